import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MetricsRegistry } from './metrics.ts'
import { createPforteMetrics } from './pforte-metrics.ts'
import type { PforteEvent } from './pforte-event.ts'
import { sampleEvents } from './sample-events.ts'

interface Sample {
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** Reads the exposition format strictly: any line that is not of it fails. */
function parseExposition(text: string): ReadonlyMap<string, readonly Sample[]> {
  assert.ok(text.endsWith('\n'))
  const families = new Map<string, string>()
  const samples = new Map<string, Sample[]>()
  for (const line of text.trimEnd().split('\n')) {
    const header = /^# (?:HELP ([a-z_0-9]+) .+|TYPE ([a-z_0-9]+) (counter|gauge|histogram))$/.exec(
      line,
    )
    if (header !== null) {
      if (header[2] !== undefined) families.set(header[2], header[3] ?? '')
      continue
    }
    const match = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line)
    assert.ok(match !== null, line)
    const [, name = '', labelText = '', value = ''] = match
    const family = name.replace(/_(bucket|sum|count)$/, '')
    assert.ok(families.has(name) || families.get(family) === 'histogram', `no TYPE before ${line}`)
    const parsed = {
      labels: parseLabels(labelText),
      value: Number(value.replace('+Inf', 'Infinity')),
    }
    assert.ok(!Number.isNaN(parsed.value), line)
    samples.set(name, [...(samples.get(name) ?? []), parsed])
  }
  return samples
}

function parseLabels(text: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>()
  let rest = text
  while (rest !== '') {
    const match = /^([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest)
    assert.ok(match !== null, rest)
    labels.set(match[1] ?? '', match[2] ?? '')
    rest = rest.slice(match[0].length)
  }
  return labels
}

function recorded(events: readonly PforteEvent[]) {
  const registry = new MetricsRegistry()
  const metrics = createPforteMetrics(registry)
  for (const event of events) metrics.record(event)
  const samples = parseExposition(registry.exposition())
  return (name: string, labels: Readonly<Record<string, string>> = {}): number | undefined =>
    samples
      .get(name)
      ?.find((sample) =>
        Object.entries(labels).every(([label, value]) => sample.labels.get(label) === value),
      )?.value
}

test('before the first event all metrics without labels are 0', () => {
  const value = recorded([])
  assert.equal(value('pforte_sessions_total'), 0)
  assert.equal(value('pforte_handover_seconds_count'), 0)
})

test('sessions: opened, open, closed', () => {
  const { 'session-opened': opened, 'session-closed': closed } = sampleEvents
  const value = recorded([opened, opened, opened, closed, sampleEvents['session-refused']])
  assert.equal(value('pforte_sessions_total'), 3)
  assert.equal(value('pforte_sessions_current'), 2)
  assert.equal(value('pforte_sessions_closed_total', { reason: 'quit' }), 1)
  assert.equal(value('pforte_sessions_refused_total', { reason: 'too-many-sessions' }), 1)
  assert.equal(value('pforte_commands_total'), 6)
  assert.equal(value('pforte_received_bytes_total'), 12_811)
  assert.equal(value('pforte_session_seconds_sum'), 1.2345)
})

test('recipients by verdict, reason and source; only live ones are timed', () => {
  const refused = sampleEvents['recipient-judged']
  const cached = { ...refused, verdict: { kind: 'accept' }, source: 'cache', tookMs: 0 } as const
  const unserved = {
    ...refused,
    verdict: { kind: 'reject', reason: { kind: 'not-served', domain: 'd.example' } },
    source: null,
  } as const
  const value = recorded([refused, cached, cached, unserved])
  const count = (verdict: string, reason: string, source: string) =>
    value('pforte_recipients_total', { verdict, reason, source })
  assert.equal(count('reject', 'recipient-unknown', 'live'), 1)
  assert.equal(count('accept', '', 'cache'), 2)
  assert.equal(count('reject', 'not-served', 'none'), 1)
  assert.equal(value('pforte_recipient_live_seconds_count'), 1)
})

test('a mail moves its count, bytes, times and the transfers of its servers', () => {
  const relayed = sampleEvents['mail-finished']
  const looping = {
    ...relayed,
    verdict: { kind: 'reject', reason: { kind: 'loop', hopCount: 51 } },
    transfers: [],
    isClientGone: true,
  } as const
  const value = recorded([relayed, looping])
  assert.equal(value('pforte_mails_total', { verdict: 'accept', reason: '' }), 1)
  assert.equal(value('pforte_mails_total', { verdict: 'reject', reason: 'loop' }), 1)
  assert.equal(value('pforte_mail_bytes_total', { verdict: 'accept' }), 12_595)
  assert.equal(value('pforte_mails_client_gone_total'), 1)
  assert.equal(value('pforte_receive_seconds_count'), 2)
  assert.equal(value('pforte_handover_seconds_count'), 1)
  assert.equal(value('pforte_handover_seconds_bucket', { le: '0.025' }), 0)
  assert.equal(value('pforte_handover_seconds_bucket', { le: '0.05' }), 1)
  const labels = { server: 'mail.inst.example', outcome: 'relayed' }
  assert.equal(value('pforte_transfers_total', labels), 1)
})

test('a route is up when first reached, down when it fails, and no connection alone ends that', () => {
  const { 'next-hop-connected': connected, 'next-hop-down': down, 'next-hop-up': up } = sampleEvents
  const route = { route: connected.route }
  assert.equal(recorded([])('pforte_next_hop_up', route), undefined)
  assert.equal(recorded([connected])('pforte_next_hop_up', route), 1)
  assert.equal(recorded([connected, down])('pforte_next_hop_up', route), 0)
  assert.equal(recorded([down, connected])('pforte_next_hop_up', route), 0)
  assert.equal(recorded([down, connected, up])('pforte_next_hop_up', route), 1)
})

test('every event can be counted, and what clients send never becomes a label', () => {
  const registry = new MetricsRegistry()
  const metrics = createPforteMetrics(registry)
  for (const event of Object.values(sampleEvents)) metrics.record(event)
  const text = registry.exposition()
  parseExposition(text)
  assert.doesNotMatch(text, /sender\.example|nobody@|192\.0\.2\.7/)
})
