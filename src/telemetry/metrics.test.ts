import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MetricsRegistry } from './metrics.ts'

test('the exposition of each kind of metric', () => {
  const registry = new MetricsRegistry()
  const mails = registry.counter({
    name: 'mails_total',
    help: 'Mails.',
    labels: ['verdict', 'reason'],
  })
  registry.counter({ name: 'sessions_total', help: 'Before\nthe \\ first.', labels: [] })
  const up = registry.gauge({ name: 'up', help: 'Up.', labels: ['route'] })
  const seconds = registry.histogram({ name: 'took_seconds', help: 'Time.', labels: [] }, [0.1, 1])
  registry.observed('gauge', { name: 'memory_bytes', help: 'Memory.', labels: [] }, () => 4096)
  mails.add(1, 'accept', '')
  mails.add(2, 'reject', 'loop')
  mails.add(1, 'reject', 'loop')
  up.set(1, 'say "hi" \\ to\nme')
  up.setIfAbsent(0, 'say "hi" \\ to\nme')
  up.setIfAbsent(0, 'b')
  seconds.observe(0.1)
  seconds.observe(0.25)
  seconds.observe(30)
  assert.equal(
    registry.exposition(),
    `# HELP mails_total Mails.
# TYPE mails_total counter
mails_total{verdict="accept",reason=""} 1
mails_total{verdict="reject",reason="loop"} 3
# HELP sessions_total Before\\nthe \\\\ first.
# TYPE sessions_total counter
sessions_total 0
# HELP up Up.
# TYPE up gauge
up{route="say \\"hi\\" \\\\ to\\nme"} 1
up{route="b"} 0
# HELP took_seconds Time.
# TYPE took_seconds histogram
took_seconds_bucket{le="0.1"} 1
took_seconds_bucket{le="1"} 2
took_seconds_bucket{le="+Inf"} 3
took_seconds_sum 30.35
took_seconds_count 3
# HELP memory_bytes Memory.
# TYPE memory_bytes gauge
memory_bytes 4096
`,
  )
})

test('a histogram with labels keeps its series apart', () => {
  const registry = new MetricsRegistry()
  const seconds = registry.histogram({ name: 's', help: '', labels: ['of'] }, [1])
  seconds.observe(0.5, 'a')
  seconds.observe(2, 'b')
  assert.match(registry.exposition(), /s_bucket\{of="a",le="1"\} 1\n.*\ns_sum\{of="a"\} 0.5\n/)
  assert.match(
    registry.exposition(),
    /s_bucket\{of="b",le="1"\} 0\ns_bucket\{of="b",le="\+Inf"\} 1\n/,
  )
})

test('an open label takes so many values and then becomes other', () => {
  const registry = new MetricsRegistry()
  const server = { name: 'server', maxValueCount: 3 } as const
  const counter = registry.counter({ name: 'c_total', help: '', labels: [server, 'outcome'] })
  for (let index = 0; index < 100; index += 1) {
    counter.add(1, `server-${index}`, index % 2 === 0 ? 'relayed' : 'refused')
  }
  counter.add(1, 'server-1', 'refused')
  const samples = registry
    .exposition()
    .split('\n')
    .filter((line) => line.startsWith('c_total'))
  assert.deepEqual(samples, [
    'c_total{server="server-0",outcome="relayed"} 1',
    'c_total{server="server-1",outcome="refused"} 2',
    'c_total{server="server-2",outcome="relayed"} 1',
    'c_total{server="other",outcome="refused"} 49',
    'c_total{server="other",outcome="relayed"} 48',
  ])
})

test('the separator of series cannot be smuggled in, and long values are cut', () => {
  const registry = new MetricsRegistry()
  const server = { name: 'server', maxValueCount: 10 } as const
  const counter = registry.counter({ name: 'c_total', help: '', labels: [server, 'outcome'] })
  counter.add(1, 'a\u0000b', 'x')
  counter.add(1, 'y'.repeat(10_000), 'x')
  assert.match(registry.exposition(), /c_total\{server="a\?b",outcome="x"\} 1\n/)
  assert.match(registry.exposition(), /c_total\{server="y{255}",outcome="x"\} 1\n/)
})

test('a name belongs to one metric', () => {
  const registry = new MetricsRegistry()
  registry.counter({ name: 'a_total', help: '', labels: [] })
  assert.throws(() => registry.gauge({ name: 'a_total', help: '', labels: [] }), RangeError)
})

test('as many values as labels, or it does not compile', () => {
  const registry = new MetricsRegistry()
  const counter = registry.counter({ name: 'a_total', help: '', labels: ['one', 'two'] })
  // @ts-expect-error -- one value is missing
  counter.add(1, 'x')
  counter.add(1, 'x', 'y')
})
