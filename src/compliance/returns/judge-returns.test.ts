// Verdicts on what has come back, whatever else is known of the mail.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CaughtRun, CaughtToken, MailOutcome, Returned } from '#catcher/catcher.ts'
import { returnJudges, returnedWords } from './judge-returns.ts'

const failed: Returned = {
  kind: 'bounce',
  action: 'failed',
  diagnostic: 'a@inst.example, b@inst.example: 550 5.1.1 \u001b[2Jno',
}

function tokenWith(outcome: MailOutcome, returned: readonly Returned[]): CaughtToken {
  const from = { atMs: 5000, client: '192.0.2.1', greeting: 'm', returnPath: '', sizeBytes: 1 }
  return {
    token: 'a'.repeat(26),
    check: 'data-virus',
    purpose: 'mail',
    recipient: 'a@inst.example',
    issuedAtMs: 1000,
    outcome,
    returns: returned.map((each) => ({ ...from, returned: each })),
  }
}

function runOf(...tokens: readonly CaughtToken[]): CaughtRun {
  const times = { startedAtMs: 1000, untilMs: 2000, confirmedAtMs: null, missingAtMs: null }
  return { id: 'r', code: 'c', server: 'm:25', mailbox: 'a@inst.example', ...times, tokens }
}

const judge = (...tokens: readonly CaughtToken[]): string =>
  returnJudges['no-backscatter-longtail'](runOf(...tokens)).finding.kind

test('what is reported about was accepted, whatever was said, and when nobody could tell', () => {
  for (const outcome of ['accepted', 'unclear', 'open', 'not-accepted'] as const) {
    assert.equal(judge(tokenWith(outcome, [failed])), 'violated', outcome)
  }
  assert.equal(judge(tokenWith('not-accepted', [])), 'not-applicable')
  assert.equal(judge(tokenWith('accepted', [])), 'undetermined')
})

test('one bounce among many silent mails decides', () => {
  assert.equal(judge(tokenWith('accepted', []), tokenWith('accepted', [failed])), 'violated')
})

test('callbacks, automatic replies, receipts and broken-off mails are no failures', () => {
  const others: readonly Returned[] = [
    { kind: 'callback' },
    { kind: 'auto-reply', subject: '' },
    { kind: 'receipt', subject: '' },
    { kind: 'mail', subject: 'x', hasCode: false },
    { kind: 'broken-off', detail: '' },
  ]
  assert.equal(judge(tokenWith('accepted', others)), 'undetermined')
})

test('words of a peer are cleaned, and only nominated addresses are shown', () => {
  const words = returnedWords(runOf(tokenWith('accepted', [])), failed)
  assert.equal(words, 'a@inst.example, b***@inst.example: 550 5.1.1 ?[2Jno')
})
