import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NextHops, NoAnswer, OutboundMail, TransferResult } from '#nexthop/nexthop.ts'
import type { Route } from '#registry/registry.ts'
import {
  noAnswer,
  peerReply,
  scriptedNextHops,
  servedDomain,
} from '../../test/support/scripted-next-hops.ts'
import { handOver, outcomeText, type HandoverMail, type HandoverOutcome } from './handover.ts'

const facts = scriptedNextHops().facts
const ok = peerReply('250 2.1.5 Ok')

/** Next hops whose transfers end as told. */
function nextHopsWith(
  transfer: (route: Route, mail: OutboundMail) => TransferResult,
): NextHops & { readonly sent: OutboundMail[] } {
  const sent: OutboundMail[] = []
  return {
    ...scriptedNextHops(),
    sent,
    transfer: async (route, mail) => {
      sent.push(mail)
      return transfer(route, mail)
    },
  }
}

function answered(text: string): TransferResult {
  return { kind: 'answered', recipients: [ok], reply: peerReply(text), nextHop: facts, tookMs: 1 }
}

function failed(cause: NoAnswer, isContentSent = false): TransferResult {
  return { kind: 'no-answer', cause, isContentSent, nextHop: facts, tookMs: 1 }
}

function mailTo(...addresses: readonly (readonly [local: string, domain: string])[]): HandoverMail {
  const domains = new Map(addresses.map(([, domain]) => [domain, servedDomain(domain)]))
  return {
    reversePath: 's@sender.example',
    recipients: addresses.map(([local, domain]) => ({
      mailbox: { local, domain },
      domain: domains.get(domain) ?? servedDomain(domain),
    })),
    isSmtpUtf8: true,
    is8BitMime: true,
    content: { sizeBytes: 123, open: () => ({ next: () => null, close: () => undefined }) },
  }
}

const within = { signal: null, budgetMs: 1000 }

async function outcomeOf(result: TransferResult): Promise<HandoverOutcome> {
  const [only] = await handOver(
    nextHopsWith(() => result),
    mailTo(['x', 'a.example']),
    within,
  )
  assert.ok(only !== undefined)
  return only.outcome
}

test('one group for each route, recipients in order, everything passed on', async () => {
  const nextHops = nextHopsWith(() => answered('250 2.0.0 Ok'))
  const mail = mailTo(['x', 'a.example'], ['y', 'b.example'], ['"z z"', 'a.example'])
  const groups = await handOver(nextHops, mail, within)
  assert.deepEqual(
    nextHops.sent.map(({ recipients }) => recipients),
    [['x@a.example', '"z z"@a.example'], ['y@b.example']],
  )
  const { recipients: _recipients, openContent: _open, ...rest } = nextHops.sent[0] ?? {}
  assert.deepEqual(rest, {
    reversePath: 's@sender.example',
    isSmtpUtf8: true,
    is8BitMime: true,
    sizeBytes: 123,
    client: null,
  })
  assert.deepEqual(
    groups.map(({ outcome }) => outcome.kind),
    ['relayed', 'relayed'],
  )
})

test('domains of one route share a transaction', async () => {
  const nextHops = nextHopsWith(() => answered('250 2.0.0 Ok'))
  const mail = mailTo(['x', 'a.example'], ['y', 'b.example'])
  const [first] = mail.recipients
  assert.ok(first !== undefined)
  const shared = mail.recipients.map((recipient) => ({
    ...recipient,
    domain: { ...recipient.domain, route: first.domain.route },
  }))
  await handOver(nextHops, { ...mail, recipients: shared }, within)
  assert.deepEqual(
    nextHops.sent.map(({ recipients }) => recipients),
    [['x@a.example', 'y@b.example']],
  )
})

test('the final reply decides', async () => {
  assert.equal((await outcomeOf(answered('250 2.0.0 Ok'))).kind, 'relayed')
  assert.equal((await outcomeOf(answered('451 4.3.0 Later'))).kind, 'deferred')
  assert.equal((await outcomeOf(answered('421 4.3.2 Bye'))).kind, 'deferred')
  assert.equal((await outcomeOf(answered('554 5.7.1 No'))).kind, 'refused')
})

test('552 to MAIL is a word about this mail; any other refusal before the content is not', async () => {
  const refusal = (stage: NoAnswer['stage'], text: string): TransferResult =>
    failed(noAnswer('refused', stage, peerReply(text)))
  assert.equal((await outcomeOf(refusal('mail', '552 5.3.4 Too big'))).kind, 'refused')
  assert.equal((await outcomeOf(refusal('mail', '552 Too big'))).kind, 'refused')
  assert.equal((await outcomeOf(refusal('mail', '552 5.2.3 Too big'))).kind, 'refused')
  assert.equal((await outcomeOf(refusal('mail', '552 5.2.2 Over quota'))).kind, 'no-answer')
  assert.equal((await outcomeOf(refusal('mail', '552 5.7.1 Not you'))).kind, 'no-answer')
  assert.equal((await outcomeOf(refusal('mail', '550 5.7.1 No'))).kind, 'no-answer')
  assert.equal((await outcomeOf(refusal('data', '552 5.3.4 Too big'))).kind, 'no-answer')
  assert.equal((await outcomeOf(refusal('banner', '554 5.7.1 No'))).kind, 'no-answer')
})

test('that the content was sent is not forgotten', async () => {
  const outcome = await outcomeOf(failed(noAnswer('timeout', 'end-of-data'), true))
  assert.equal(outcome.kind === 'no-answer' && outcome.isContentSent, true)
  assert.equal(outcomeText(outcome), 'timeout (end-of-data): timeout at end-of-data')
})
