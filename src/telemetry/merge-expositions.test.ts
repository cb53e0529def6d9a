import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeExpositions } from './merge-expositions.ts'
import { MetricsRegistry } from './metrics.ts'

function exposition(count: number): string {
  const registry = new MetricsRegistry()
  registry
    .gauge({ name: 'pforte_info', help: 'Always 1.', labels: ['version'] })
    .set(1, '1.0 with "quotes" and } braces')
  const mails = registry.counter({
    name: 'pforte_mails_total',
    help: 'Mails.',
    labels: ['verdict'],
  })
  mails.add(count, 'accept')
  if (count > 2) mails.add(1, 'defer')
  registry
    .histogram({ name: 'pforte_seconds', help: 'Time.', labels: [] }, [0.1, 1])
    .observe(count / 10)
  registry.observed('gauge', { name: 'process_open', help: 'Own.', labels: [] }, () => count)
  return registry.exposition()
}

test('counters and histograms add up, facts do not, what a process has keeps its name', () => {
  const merged = mergeExpositions([
    { process: 'worker-1', text: exposition(2) },
    { process: 'worker-2', text: exposition(3) },
  ])
  assert.equal(
    merged,
    `# HELP pforte_info Always 1.
# TYPE pforte_info gauge
pforte_info{version="1.0 with \\"quotes\\" and } braces"} 1
# HELP pforte_mails_total Mails.
# TYPE pforte_mails_total counter
pforte_mails_total{verdict="accept"} 5
pforte_mails_total{verdict="defer"} 1
# HELP pforte_seconds Time.
# TYPE pforte_seconds histogram
pforte_seconds_bucket{le="0.1"} 0
pforte_seconds_bucket{le="1"} 2
pforte_seconds_bucket{le="+Inf"} 2
pforte_seconds_sum 0.5
pforte_seconds_count 2
# HELP process_open Own.
# TYPE process_open gauge
process_open{process="worker-1"} 2
process_open{process="worker-2"} 3
`,
  )
})

test('one process is itself', () => {
  const text = exposition(2)
  const own = mergeExpositions([{ process: 'all', text }])
  assert.equal(own.replace('{process="all"}', ''), text)
})
