// What comes back after a run was saved, and what of it is news.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CaughtRun, CaughtToken, Returned } from '#catcher/catcher.ts'
import { stateFor, untold, type RecheckState } from '#compliance/recheck.ts'
import { withLateReturns } from './late-verdicts.ts'

const bounce: Returned = { kind: 'bounce', action: 'failed', diagnostic: '550 no' }

function runWith(purpose: CaughtToken['purpose'], ...returned: readonly Returned[]): CaughtRun {
  const from = { atMs: 5000, client: '192.0.2.1', greeting: 'm', returnPath: '', sizeBytes: 1 }
  const token: CaughtToken = {
    token: 'a'.repeat(26),
    check: 'no-backscatter-unknown',
    purpose,
    recipient: 'a@inst.example',
    issuedAtMs: 1000,
    outcome: 'accepted',
    returns: returned.map((each) => ({ ...from, returned: each })),
  }
  const times = { startedAtMs: 1000, untilMs: 9000, confirmedAtMs: null, missingAtMs: null }
  return {
    id: 'r',
    code: 'c',
    server: 'm:25',
    mailbox: 'a@inst.example',
    ...times,
    tokens: [token],
  }
}

function stateWith(verdicts: RecheckState['verdicts']): RecheckState {
  return stateFor({ domain: 'inst.example', server: 'm:25', measuredAtMs: 1000, verdicts }, null)
}

const saved = stateWith({
  'no-backscatter-unknown': 'undetermined',
  'rcpt-late-rejection': 'undetermined',
  'no-backscatter-longtail': 'undetermined',
  'delivery-confirmed': 'undetermined',
})

test('a bounce changes both verdicts it is about, once, at the time it came', () => {
  const state = withLateReturns(saved, runWith('unknown', bounce), 7000)
  assert.deepEqual(
    untold(state).map(({ check, was, verdict, severity, atMs }) => [
      check,
      was,
      verdict,
      severity,
      atMs,
    ]),
    [
      ['no-backscatter-unknown', 'undetermined', 'violated', 'must', 5000],
      ['rcpt-late-rejection', 'undetermined', 'violated', 'must', 5000],
    ],
  )
  assert.equal(withLateReturns(state, runWith('unknown', bounce), 8000), state)
})

test('silence changes nothing, nor what the run had no verdict of; a bounce is not taken back', () => {
  assert.equal(withLateReturns(saved, runWith('unknown'), 7000), saved)
  const other = stateWith({ 'banner-220': 'met' })
  assert.equal(withLateReturns(other, runWith('unknown', bounce), 7000), other)
  const bounced = stateWith({ 'no-backscatter-unknown': 'violated' })
  assert.equal(withLateReturns(bounced, runWith('unknown'), 7000), bounced)
})

test('somebody confirms that the plain mail arrived', () => {
  const run = { ...runWith('mail'), confirmedAtMs: 6000 }
  const state = withLateReturns(saved, run, 7000)
  assert.equal(state.verdicts['delivery-confirmed'], 'met')
})
