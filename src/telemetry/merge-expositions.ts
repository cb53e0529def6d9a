// The metrics of several processes as those of one relay: what counts events adds up, what describes a
// process keeps its name.

/** What one process would expose. */
export interface ProcessExposition {
  readonly process: string
  readonly text: string
}

/** Facts about the relay as a whole: they do not add up, and the first who knows is right. */
const sameInAll: ReadonlySet<string> = new Set([
  'pforte_info',
  'pforte_draining',
  'pforte_next_hop_up',
])

/** In the order of the first text; series that only others have follow theirs. */
export function mergeExpositions(processes: readonly ProcessExposition[]): string {
  const metrics = new Map<string, Metric>()
  for (const { process, text } of processes) addAll(metrics, process, text)
  let merged = ''
  for (const { comments, samples } of metrics.values()) {
    merged += comments
    for (const [series, value] of samples) merged += `${series} ${valueText(value)}\n`
  }
  return merged
}

/** Only what counts events: it stays true when the process is no more. */
export function countersOf(text: string): string {
  const metrics = new Map<string, Metric>()
  addAll(metrics, '', text)
  let counters = ''
  for (const [name, { comments, samples }] of metrics) {
    if (isOfProcess(name) || !/^# TYPE \S+ (?:counter|histogram)$/m.test(comments)) continue
    counters += comments
    for (const [series, value] of samples) counters += `${series} ${valueText(value)}\n`
  }
  return counters
}

interface Metric {
  readonly comments: string
  readonly samples: Map<string, number>
}

function addAll(metrics: Map<string, Metric>, process: string, text: string): void {
  let metric: Metric = { comments: '', samples: new Map() }
  let comments = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) {
      comments += `${line}\n`
      const [, type, name] = line.split(' ', 3)
      if (type !== 'TYPE' || name === undefined) continue
      metric = metrics.get(name) ?? { comments, samples: new Map() }
      metrics.set(name, metric)
      comments = ''
    } else if (line !== '') addSample(metric, process, line)
  }
}

function addSample({ samples }: Metric, process: string, line: string): void {
  const split = line.lastIndexOf(' ')
  const value = Number(line.slice(split + 1).replace('Inf', 'Infinity'))
  const name = /^[a-z_:]+/i.exec(line)?.[0] ?? ''
  const series = isOfProcess(name) ? labelled(line.slice(0, split), process) : line.slice(0, split)
  const known = samples.get(series)
  if (known === undefined) samples.set(series, value)
  else if (!sameInAll.has(name)) samples.set(series, known + value)
}

function isOfProcess(name: string): boolean {
  return name.startsWith('process_') || name.startsWith('nodejs_')
}

/** Names of processes are ours and need no escaping. */
function labelled(series: string, process: string): string {
  const label = `process="${process}"`
  return series.endsWith('}') ? `${series.slice(0, -1)},${label}}` : `${series}{${label}}`
}

function valueText(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}
