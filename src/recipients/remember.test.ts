import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noAnswer, peerReply, scriptedNextHops } from '../../test/support/scripted-next-hops.ts'
import { emptyEntry } from './entry.ts'
import type { CalloutOutcome } from './recipients.ts'
import { remember, type HeardAnswer } from './remember.ts'

const demoteAfterMs = 600_000
const yes: CalloutOutcome = { kind: 'deliverable', reply: peerReply('250 Ok') }
const no: CalloutOutcome = { kind: 'undeliverable', reply: peerReply('550 5.1.1 unknown') }
const silence: CalloutOutcome = {
  kind: 'unknown',
  cause: { kind: 'no-answer', noAnswer: noAnswer('timeout', 'banner') },
}

function heard(
  outcome: CalloutOutcome,
  atMs: number,
  purpose: HeardAnswer['purpose'] = 'rcpt',
): HeardAnswer {
  return { outcome, purpose, routeId: 'r', nextHop: scriptedNextHops().facts, atMs, tookMs: 3 }
}

const nobody = emptyEntry('inst.example', 'x')
const somebody = remember(nobody, heard(yes, 0), demoteAfterMs).entry

test('an unknown outcome changes what is shown and nothing else', () => {
  const { entry, isDemoted } = remember(somebody, heard(silence, 5), demoteAfterMs)
  assert.deepEqual(entry.standing, somebody.standing)
  assert.equal(entry.last?.outcome, 'unknown')
  assert.equal(entry.last.stage, 'banner')
  assert.equal(isDemoted, false)
})

test('a background refusal is noted, a second one in time takes the positive back', () => {
  const first = remember(somebody, heard(no, 1000, 'refresh'), demoteAfterMs)
  assert.equal(first.entry.standing?.kind, 'positive')
  assert.equal(first.entry.refusedAtMs, 1000)
  const tooSoon = remember(first.entry, heard(no, 600_999, 'refresh'), demoteAfterMs)
  assert.equal(tooSoon.entry.standing?.kind, 'positive')
  const second = remember(tooSoon.entry, heard(no, 601_000, 'refresh'), demoteAfterMs)
  assert.equal(second.entry.standing?.kind, 'negative')
  assert.equal(second.isDemoted, true)
})

test('a yes in between starts the count again', () => {
  const first = remember(somebody, heard(no, 1000, 'refresh'), demoteAfterMs).entry
  const again = remember(first, heard(yes, 2000, 'refresh'), demoteAfterMs).entry
  const later = remember(again, heard(no, 700_000, 'refresh'), demoteAfterMs)
  assert.equal(later.entry.standing?.kind, 'positive')
})

for (const purpose of ['delivery', 'rcpt', 'command'] as const) {
  test(`a refusal heard by ${purpose} counts at once`, () => {
    const { entry, isDemoted } = remember(somebody, heard(no, 1, purpose), demoteAfterMs)
    assert.equal(entry.standing?.kind, 'negative')
    assert.equal(isDemoted, true)
  })
}

test('a stranger’s refusal is no demotion, whoever heard it', () => {
  for (const purpose of ['rcpt', 'refresh', 'delivery'] as const) {
    const { entry, isDemoted } = remember(nobody, heard(no, 1, purpose), demoteAfterMs)
    assert.equal(entry.standing?.kind, 'negative')
    assert.equal(isDemoted, false)
  }
})

test('a listed recipient is demoted like a positive one', () => {
  const listed = { ...nobody, listedAtMs: 0 }
  const first = remember(listed, heard(no, 1000, 'refresh'), demoteAfterMs)
  assert.equal(first.entry.standing, null)
  const second = remember(first.entry, heard(no, 700_000, 'refresh'), demoteAfterMs)
  assert.equal(second.entry.standing?.kind, 'negative')
  assert.equal(second.isDemoted, true)
})

test('what is kept of a reply is bounded and what is shown is clean', () => {
  const lines = Array.from({ length: 50 }, () => `\u001b[31m${'x'.repeat(5000)}`)
  const outcome: CalloutOutcome = {
    kind: 'undeliverable',
    reply: { code: 550, status: null, lines },
  }
  const { entry } = remember(nobody, heard(outcome, 1), demoteAfterMs)
  assert.ok(JSON.stringify(entry).length < 3000)
  assert.ok(entry.last?.reply.includes('\u001b') === false)
})
