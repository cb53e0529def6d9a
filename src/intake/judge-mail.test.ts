import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HandoverGroup, HandoverOutcome } from '#handover/handover.ts'
import type { NextHopFacts } from '#nexthop/nexthop.ts'
import type { PeerReply } from '#smtp/reply.ts'
import { accept, defer, reject, type Verdict } from '#verdict/verdict.ts'
import { peerReply, servedDomain } from '../../test/support/scripted-next-hops.ts'
import { judgeGroups, type MailJudgement } from './judge-mail.ts'

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
): HandoverGroup {
  return {
    recipients: locals.map((local) => ({
      mailbox: { local, domain },
      domain: servedDomain(domain),
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

function judge(...groups: readonly HandoverGroup[]): MailJudgement {
  return judgeGroups(groups, recipients)
}

function kindOf({ verdict }: MailJudgement): string {
  return verdict.kind === 'accept' ? 'accept' : `${verdict.kind}: ${verdict.reason.kind}`
}

test('one route: the next hop’s answer is the answer', () => {
  const taken = judge(group('a.example', ['x', 'y'], relayed))
  assert.equal(kindOf(taken), 'accept')
  assert.equal(taken.words, 'mail.a.example says: 250 2.0.0 Ok')
  assert.deepEqual(taken.relayed, ['x@a.example', 'y@a.example'])
  for (const [outcome, kind] of [
    [refused, 'reject: next-hop-rejected'],
    [deferred, 'defer: next-hop-deferred'],
    [silent, 'defer: next-hop-unreachable'],
  ] as const) {
    const judgement = judge(group('a.example', ['x'], outcome))
    assert.equal(kindOf(judgement), kind)
    assert.equal(judgement.words, '')
    assert.deepEqual(judgement.relayed, [])
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
  assert.deepEqual(judgement.relayed, [])
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
  assert.deepEqual(some.relayed, ['x@a.example'])

  const mixed = judge(groups.refused, groups.relayed, groups.deferred)
  assert.equal(kindOf(mixed), 'defer: next-hop-deferred')
  assert.deepEqual(mixed.relayed, ['x@a.example'])
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
