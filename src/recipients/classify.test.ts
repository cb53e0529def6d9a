import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { classifyProbe, classifyReply, readRefusal } from './classify.ts'
import { replyRules } from './reply-classes.ts'
import { noAnswer, peerReply, scriptedNextHops } from '../../test/support/scripted-next-hops.ts'

const context = { patterns: [], local: 'x', isSizeDeclared: false }
const { facts } = scriptedNextHops()

function kindOf(text: string, local = 'x'): string {
  const outcome = classifyReply(peerReply(text), { ...context, local })
  return outcome.kind === 'unknown' ? outcome.cause.kind : outcome.kind
}

const replies: readonly (readonly [reply: string, kind: string])[] = [
  ['250 2.1.5 Ok', 'deliverable'],
  ['251 User not local; will forward', 'deliverable'],
  ['252 2.1.5 Cannot VRFY user', 'unverified'],
  ['220 what', 'unverified'],

  // Postfix
  [
    '550 5.1.1 <x@i.example>: Recipient address rejected: User unknown in local recipient table',
    'undeliverable',
  ],
  ['450 4.1.1 <x@i.example>: Recipient address rejected: unverified address', 'deferred'],
  [
    '450 4.2.0 <x@i.example>: Recipient address rejected: Greylisted, see http://postgrey',
    'deferred',
  ],
  ['554 5.7.1 <x@i.example>: Relay access denied', 'refused-policy'],
  ['454 4.7.1 <x@i.example>: Relay access denied', 'deferred'],
  ['554 5.7.1 <x@i.example>: Recipient address rejected: Access denied', 'refused-policy'],
  [
    '550 5.1.0 <probe@r.example>: Sender address rejected: User unknown in virtual table',
    'refused-policy',
  ],
  ['504 5.5.2 <mailrelay>: Helo command rejected: need fully-qualified hostname', 'refused-policy'],
  ['552 5.2.2 <x@i.example>: Recipient address rejected: Mailbox full', 'mailbox-full'],
  ['530 5.7.0 Must issue a STARTTLS command first', 'refused-policy'],
  // Exim
  ['550 Unrouteable address', 'undeliverable'],
  ['550 unknown user', 'undeliverable'],
  ['550 relay not permitted', 'refused-policy'],
  ['550 Administrative prohibition', 'refused-policy'],
  [
    '550 Verification failed for <a@b.example> Called: 192.0.2.1 Response: 550 User unknown Sender verify failed',
    'refused-policy',
  ],
  ['451 Temporary local problem - please try later', 'deferred'],
  ['550 x@i.example is in a blacklist at zen.spamhaus.example', 'refused-policy'],
  // Exchange and Exchange Online
  [
    '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient x@i.example not found by SMTP address lookup',
    'undeliverable',
  ],
  ['550 5.4.1 Recipient address rejected: Access denied. AS(201806281)', 'undeliverable'],
  ['550 5.4.1 No answer from host', 'refused-policy'],
  ['550 5.7.1 Unable to relay', 'refused-policy'],
  ['550 5.7.1 Client does not have permissions to send as this sender', 'refused-policy'],
  ['550 5.7.606 Access denied, banned sending IP', 'refused-policy'],
  ['550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient', 'too-big'],
  ['452 4.3.1 Insufficient system resources', 'deferred'],
  ['550 5.2.1 Mailbox disabled for this recipient', 'undeliverable'],
  // sendmail
  ['550 5.1.1 <x@i.example>... User unknown', 'undeliverable'],
  ['550 5.7.1 <x@i.example>... Relaying denied', 'refused-policy'],
  ['552 5.3.4 Message is too large', 'too-big'],
  ['550 5.0.0 <x@i.example>... No such user here', 'undeliverable'],
  // Courier, qmail, OpenSMTPD, Dovecot LMTP, Cyrus
  ['550 User <x@i.example> unknown', 'undeliverable'],
  ['513 Relaying denied.', 'refused-policy'],
  ['550 sorry, no mailbox here by that name (#5.1.1)', 'undeliverable'],
  ["553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", 'refused-policy'],
  ['550 Invalid recipient: <x@i.example>', 'undeliverable'],
  ["550 5.1.1 <x@i.example> User doesn't exist: x@i.example", 'undeliverable'],
  ['552 5.2.2 <x@i.example> Quota exceeded (mailbox for user is full)', 'mailbox-full'],
  ['452 4.2.2 Over quota', 'mailbox-full'],
  // without a status
  ['550 Mailbox full', 'mailbox-full'],
  ['552 Requested mail action aborted: exceeded storage allocation', 'mailbox-full'],
  ['552 Message size exceeds fixed maximum message size', 'too-big'],
  ['551 User not local; please try <y@other.example>', 'undeliverable'],
  ['553 Requested action not taken: mailbox name not allowed', 'refused-policy'], // safe side
  ['554 no such user', 'undeliverable'],
  ['554 Transaction failed', 'refused-policy'],
  ['503 Bad sequence of commands', 'refused-policy'],
  ['550 Please try again later', 'refused-policy'],
  ['450 Mailbox full', 'mailbox-full'],
  ['452 Insufficient system storage', 'deferred'],
  ['421 4.3.2 closing', 'deferred'],
  // German
  ['550 Empfänger unbekannt', 'undeliverable'],
  ['550 Dieses Postfach existiert nicht', 'undeliverable'],
  ['550 Zugriff verweigert', 'refused-policy'],
  ['550 Ihre IP-Adresse ist gesperrt', 'refused-policy'],
  ['550 Das Postfach ist voll', 'mailbox-full'],
  ['550 Kein Relay für diese Domain', 'refused-policy'],
  ['550 Abgelehnt aufgrund der Richtlinien', 'refused-policy'],
  ['554 Unbekannter Empfänger', 'undeliverable'],
  // contradictions stay on the safe side
  ['550 4.1.1 User unknown', 'refused-policy'],
  ['450 5.1.1 User unknown', 'deferred'],
]

for (const [text, kind] of replies) {
  test(`${text} is ${kind}`, () => {
    assert.equal(kindOf(text), kind)
  })
}

test('the address in the reply does not count as words', () => {
  for (const quoted of ['<spam@i.example>', 'spam@i.example', '<spam>', '"spam"', 'spam...']) {
    assert.equal(kindOf(`550 ${quoted} unknown here`, 'spam'), 'undeliverable')
  }
  // A naked word may be the server's own: on the safe side.
  assert.equal(kindOf('550 spam rejected', 'spam'), 'refused-policy')
})

test('a pattern of the domain moves a reply into the class, for 5yz only', () => {
  const patterns = [{ text: '5*GONE fishing*', means: 'no-such-mailbox' }] as const
  const mine = { ...context, patterns }
  const kind = (text: string): string => classifyReply(peerReply(text), mine).kind
  assert.equal(kind('554 5.7.1 he is gone fishing today'), 'undeliverable')
  assert.equal(kind('554 5.7.1 policy'), 'unknown')
  const all = { ...context, patterns: [{ text: '*', means: 'no-such-mailbox' }] as const }
  assert.equal(classifyReply(peerReply('450 4.2.0 later'), all).kind, 'unknown')
})

test('a pattern of the domain moves a reply out of the class, and leaves the others as they are', () => {
  const mine = { ...context, patterns: [{ text: '550*', means: 'other' }] as const }
  const cause = (text: string): unknown => {
    const outcome = classifyReply(peerReply(text), mine)
    return outcome.kind === 'unknown' ? outcome.cause.kind : outcome.kind
  }
  assert.equal(cause('550 5.1.1 User unknown'), 'refused-policy')
  assert.equal(cause('550 5.2.2 full'), 'mailbox-full')
})

test('whatever the stage before RCPT says, it is unknown and keeps its stage', () => {
  for (const stage of ['dns', 'connect', 'banner', 'ehlo', 'starttls', 'mail'] as const) {
    const cause = noAnswer('refused', stage, peerReply('550 5.1.1 User unknown'))
    const outcome = classifyProbe({ kind: 'no-answer', cause, nextHop: facts, tookMs: 1 }, context)
    assert.deepEqual(outcome, { kind: 'unknown', cause: { kind: 'no-answer', noAnswer: cause } })
  }
})

test('MAIL refused because of the SIZE that was declared is about this mail', () => {
  const cause = noAnswer('refused', 'mail', peerReply('552 5.3.4 Message size exceeds limit'))
  const result = { kind: 'no-answer', cause, nextHop: facts, tookMs: 1 } as const
  const declared = classifyProbe(result, { ...context, isSizeDeclared: true })
  assert.deepEqual(declared.kind === 'unknown' && declared.cause.kind, 'too-big')
  const undeclared = classifyProbe(result, context)
  assert.deepEqual(undeclared.kind === 'unknown' && undeclared.cause.kind, 'no-answer')
})

test('long replies cost little: only their beginning is read', () => {
  const lines = Array.from({ length: 1000 }, () => '<'.repeat(2000))
  const startedAt = performance.now()
  for (let round = 0; round < 100; round += 1) readRefusal({ code: 550, status: null, lines }, 'x')
  assert.ok(performance.now() - startedAt < 2000)
})

test('property: only a 5yz is ever undeliverable, only a 250 or 251 deliverable', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom(...replyRules.flatMap((rule) => rule.words ?? [])),
  )
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 599 }), text, (code, line) => {
      const { kind } = classifyReply({ code, status: null, lines: [line] }, context)
      if (kind === 'undeliverable') assert.ok(code >= 500)
      if (kind === 'deliverable') assert.ok(code === 250 || code === 251)
    }),
  )
})

test('property: 5.7.x never says "no such mailbox"', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 500, max: 599 }),
      fc.nat(999),
      fc.string(),
      (code, detail, line) => {
        const reply = { code, status: `5.7.${detail}`, lines: [line] }
        assert.equal(classifyReply(reply, context).kind, 'unknown')
      },
    ),
  )
})
