import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MetricsRegistry } from '#telemetry/metrics.ts'
import { DepartedCounters } from './departed-counters.ts'

/** With a gauge and a number of the process, which end with it. */
function exposition(mails: number): string {
  const registry = new MetricsRegistry()
  registry.counter({ name: 'pforte_mails_total', help: 'Mails.', labels: [] }).add(mails)
  registry.gauge({ name: 'pforte_sessions', help: 'Now.', labels: [] }).set(3)
  registry.observed('counter', { name: 'process_cpu_total', help: '', labels: [] }, () => 1)
  return registry.exposition()
}

function mailsOf(text: string): number {
  assert.doesNotMatch(text, /pforte_sessions|process_/)
  return Number(/^pforte_mails_total (\d+)$/m.exec(text)?.[1] ?? 0)
}

test('what a process had counted stays when it is gone, and is not counted twice', () => {
  const counters = new DepartedCounters(null)
  counters.seen('worker-1.10', exposition(5))
  counters.seen('worker-1.10', exposition(7))
  assert.equal(mailsOf(counters.text(new Set(['worker-1.10']))), 0, 'it speaks for itself')
  assert.equal(mailsOf(counters.text(new Set())), 7, 'it gave no answer in time')
  counters.gone('worker-1.10')
  counters.gone('worker-1.10')
  assert.equal(mailsOf(counters.text(new Set())), 7)
  counters.seen('worker-1.11', exposition(1))
  counters.gone('worker-1.11')
  assert.equal(mailsOf(counters.text(new Set())), 8)
})

test('the next coordinator goes on with them, its own included', () => {
  const before = new DepartedCounters(null)
  before.seen('worker-1.10', exposition(5))
  before.gone('worker-1.10')
  before.seen('worker-2.11', exposition(2))
  const next = new DepartedCounters(before.kept(exposition(100)))
  assert.equal(mailsOf(next.text(new Set(['worker-2.11']))), 105)
  assert.equal(mailsOf(next.text(new Set())), 107)
})
