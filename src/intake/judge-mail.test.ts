import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HandoverGroup, HandoverOutcome } from '#handover/handover.ts'
import type { NextHopFacts } from '#nexthop/nexthop.ts'
import type { PeerReply } from '#smtp/reply.ts'
import { accept, defer, reject, type Verdict } from '#verdict/verdict.ts'
import { peerReply, servedDomain } from '../../test/support/scripted-next-hops.ts'
import { planMail, takenOver, type MailJudgement } from './judge-mail.ts'
import type { TakenRecipient } from './judge-recipient.ts'

/** What the recipients module makes of a reply to RCPT: its classes are tested there. */
const recipients = {
  learn: (
    _domain: unknown,
    _mailbox: unknown,
    reply: PeerReply,
    { server }: NextHopFacts,
  ): Verdict => {
    if (reply.code < 300) return accept
    return reply.code < 500
      ? defer({ kind: 'next-hop-deferred', server, reply })
      : reject({ kind: 'recipient-unknown', server, reply })
  },
}

const ok = peerReply('250 2.0.0 Ok')
const no = peerReply('550 5.1.1 Unknown')

function group(
  domain: string,
  locals: readonly string[],
  outcome: HandoverOutcome,
  recipientReplies: readonly PeerReply[] = locals.map(() => ok),
  isKnownGood = true,
): HandoverGroup<TakenRecipient> {
  return {
    recipients: locals.map((local) => ({
      mailbox: { local, domain },
      domain: servedDomain(domain),
      maxMessageBytes: 1000,
      isKnownGood,
    })),
    outcome,
    recipientReplies,
    nextHop: { server: `mail.${domain}`, address: null, port: 25, tls: null, extensions: null },
    tookMs: 1,
  }
}

const relayed: HandoverOutcome = { kind: 'relayed', reply: ok }
const refused: HandoverOutcome = { kind: 'refused', reply: peerReply('554 5.7.1 Spam') }
const deferred: HandoverOutcome = { kind: 'deferred', reply: peerReply('451 4.3.0 Later') }
const silent: HandoverOutcome = {
  kind: 'no-answer',
  cause: { kind: 'timeout', stage: 'end-of-data', detail: 'no answer', reply: null },
  isContentSent: true,
}

/** Without anything taken over. */
function judge(...groups: readonly HandoverGroup<TakenRecipient>[]): MailJudgement {
  return planMail(groups, recipients).judgement
}

/** `local@domain fate` of what is to be taken over. */
function taken(...groups: readonly HandoverGroup<TakenRecipient>[]): readonly string[] {
  return planMail(groups, recipients).toTakeOver.map(
    ({ recipient: { mailbox }, fate }) => `${mailbox.local}@${mailbox.domain} ${fate}`,
  )
}

function kindOf({ verdict }: MailJudgement): string {
  return verdict.kind === 'accept' ? 'accept' : `${verdict.kind}: ${verdict.reason.kind}`
}

test('one route: the next hop’s answer is the answer', () => {
  const good = judge(group('a.example', ['x', 'y'], relayed))
  assert.equal(kindOf(good), 'accept')
  assert.equal(good.words, 'mail.a.example says: 250 2.0.0 Ok')
  assert.deepEqual(good.served, ['x@a.example', 'y@a.example'])
  for (const [outcome, kind] of [
    [refused, 'reject: next-hop-rejected'],
    [deferred, 'defer: next-hop-deferred'],
    [silent, 'defer: next-hop-unreachable'],
  ] as const) {
    const judgement = judge(group('a.example', ['x'], outcome))
    assert.equal(kindOf(judgement), kind)
    assert.equal(judgement.words, '')
    assert.deepEqual(judgement.served, [])
  }
})

test('recipients refused: one gets its own answer, several are asked to come back', () => {
  const one: HandoverOutcome = { kind: 'recipients-refused', replies: [no] }
  assert.equal(kindOf(judge(group('a.example', ['x'], one, [no]))), 'reject: recipient-unknown')
  const later = peerReply('450 4.2.0 Grey')
  assert.equal(
    kindOf(
      judge(group('a.example', ['x'], { kind: 'recipients-refused', replies: [later] }, [later])),
    ),
    'defer: next-hop-deferred',
  )
  const some: HandoverOutcome = { kind: 'recipients-refused', replies: [no, ok] }
  const judgement = judge(group('a.example', ['x', 'y'], some, [no, ok]))
  assert.equal(kindOf(judgement), 'defer: recipients-changed')
  assert.deepEqual(judgement.served, [])
})

test('several routes: deferred beats refused beats relayed, and who missed it is named', () => {
  const groups = {
    relayed: group('a.example', ['x'], relayed),
    refused: group('b.example', ['x', 'y'], refused),
    deferred: group('c.example', ['x'], deferred),
  }
  const all = judge(groups.relayed, group('d.example', ['z'], relayed))
  assert.equal(kindOf(all), 'accept')
  assert.match(all.words, /mail\.a\.example says.*; mail\.d\.example says/)

  const some = judge(groups.relayed, groups.refused)
  assert.equal(kindOf(some), 'reject: next-hop-rejected')
  assert.equal(some.words, '<x@b.example> <y@b.example>')
  assert.deepEqual(some.served, ['x@a.example'])

  const mixed = judge(groups.refused, groups.relayed, groups.deferred)
  assert.equal(kindOf(mixed), 'defer: next-hop-deferred')
  assert.deepEqual(mixed.served, ['x@a.example'])
  assert.deepEqual(
    mixed.transfers.map(({ outcome }) => outcome),
    ['refused', 'relayed', 'deferred'],
  )
})

test('a next hop’s words cannot break the reply line', () => {
  const outcome: HandoverOutcome = {
    kind: 'relayed',
    reply: { code: 250, status: null, lines: [`ok\u0007\u001b[2J${'x'.repeat(1000)}`] },
  }
  const { words } = judge(group('a.example', ['x'], outcome))
  assert.match(words, /^[\x20-\x7e]{1,300}$/)
})

const unreachable: HandoverOutcome = {
  kind: 'no-answer',
  cause: { kind: 'io', stage: 'connect', detail: 'refused', reply: null },
  isContentSent: false,
}

test('one route without an answer or with a temporary one: taken over if all are known good', () => {
  assert.deepEqual(taken(group('a.example', ['x', 'y'], unreachable, [])), [
    'x@a.example spoolable',
    'y@a.example spoolable',
  ])
  assert.deepEqual(taken(group('a.example', ['x'], deferred)), ['x@a.example spoolable'])
  assert.deepEqual(taken(group('a.example', ['x'], unreachable, [], false)), [])
  // It has just said 250 to RCPT: better than any memory.
  assert.deepEqual(taken(group('a.example', ['x'], deferred, [ok], false)), [
    'x@a.example spoolable',
  ])
  const unverified = peerReply('252 2.0.0 Will try')
  assert.deepEqual(taken(group('a.example', ['x'], deferred, [unverified], false)), [])
})

test('never taken over: what may have arrived, what was refused, what failed here', () => {
  assert.deepEqual(taken(group('a.example', ['x'], silent)), [])
  assert.deepEqual(taken(group('a.example', ['x'], refused)), [])
  for (const kind of ['local', 'aborted', 'smtputf8-unsupported'] as const) {
    const cause = { kind, stage: 'content', detail: '', reply: null } as const
    const outcome: HandoverOutcome = { kind: 'no-answer', cause, isContentSent: false }
    assert.deepEqual(taken(group('a.example', ['x'], outcome, [])), [], kind)
  }
})

test('RCPT at the hand-over: 4yz is taken over, 5yz is not, and nothing with it', () => {
  const later = peerReply('450 4.2.0 Grey')
  const grey: HandoverOutcome = { kind: 'recipients-refused', replies: [ok, later] }
  assert.deepEqual(taken(group('a.example', ['x', 'y'], grey, [ok, later])), [
    'x@a.example spoolable',
    'y@a.example spoolable',
  ])
  const some: HandoverOutcome = { kind: 'recipients-refused', replies: [no, ok] }
  assert.deepEqual(taken(group('a.example', ['x', 'y'], some, [no, ok])), [])
})

test('several routes: once one has the mail, the rest is taken over or nothing is', () => {
  const there = group('a.example', ['x'], relayed)
  const away = group('b.example', ['x'], unreachable, [])
  const spam = group('c.example', ['x'], refused)
  assert.deepEqual(taken(there, away), ['x@b.example spoolable'])
  assert.deepEqual(taken(there, spam), ['x@c.example refused'])
  assert.deepEqual(taken(there, away, spam), ['x@b.example spoolable', 'x@c.example refused'])
  // Nobody has it: the client can still be told, now or next time.
  assert.deepEqual(taken(away, spam), [])
  // One of them can only be tried again by the client: then it keeps all of them.
  assert.deepEqual(taken(there, away, group('d.example', ['x'], silent)), [])
  assert.deepEqual(taken(there, group('d.example', ['x'], unreachable, [], false)), [])
})

test('what was taken over is answered 250, and is served', () => {
  const groups = [group('a.example', ['x'], relayed), group('b.example', ['x'], unreachable, [])]
  const judgement = takenOver(planMail(groups, recipients))
  assert.equal(kindOf(judgement), 'accept')
  assert.deepEqual(judgement.served, ['x@a.example', 'x@b.example'])
  assert.equal(judgement.takenOver.length, 1)
  assert.match(judgement.words, /taken over/)
})
