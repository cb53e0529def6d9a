// The metrics of several processes as those of one relay: what counts events adds up, what describes a
// process keeps its name.

/** What one process would expose. */
export interface ProcessExposition {
  readonly process: string
  readonly text: string
}

/** Facts about the relay as a whole: they do not add up. */
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
    for (const [series, value] of samples) merged += `${series} ${value}\n`
  }
  return merged
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
  const isOfProcess = name.startsWith('process_') || name.startsWith('nodejs_')
  const series = isOfProcess ? labelled(line.slice(0, split), process) : line.slice(0, split)
  const known = samples.get(series)
  if (known === undefined) samples.set(series, value)
  else samples.set(series, sameInAll.has(name) ? Math.max(known, value) : known + value)
}

/** Names of processes are ours and need no escaping. */
function labelled(series: string, process: string): string {
  const label = `process="${process}"`
  return series.endsWith('}') ? `${series.slice(0, -1)},${label}}` : `${series}{${label}}`
}
