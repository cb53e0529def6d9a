import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeReply, type PeerReply } from '#smtp/reply.ts'
import { verdictReply } from './replies.ts'
import { defer, reject, type Deferral, type Rejection } from './verdict.ts'

const server = 'mail.inst.example'

function peer(code: number, status: string | null, ...lines: readonly string[]): PeerReply {
  return { code, status, lines }
}

function unknownUser(reply: PeerReply): Rejection {
  return reject({ kind: 'recipient-unknown', server, reply })
}

function deferred(reply: PeerReply): Deferral {
  return defer({ kind: 'next-hop-deferred', server, reply })
}

const replies: readonly (readonly [Deferral | Rejection, string])[] = [
  [
    unknownUser(peer(550, '5.1.1', 'User', 'unknown')),
    '550 5.1.1 mail.inst.example says: 550 5.1.1 User unknown',
  ],
  // Its own code, never the institute's: 551 or 553 mean other things to a sender.
  [unknownUser(peer(553, null, 'no')), '550 5.1.1 mail.inst.example says: 553 no'],
  [
    deferred(peer(450, '4.2.0', 'Greylisted')),
    '450 4.2.0 mail.inst.example says: 450 4.2.0 Greylisted',
  ],
  [deferred(peer(452, null, 'full')), '452 4.3.0 mail.inst.example says: 452 full'],
  // 421 would close the client's session; 454 is about TLS and authentication.
  [deferred(peer(421, '4.3.2', 'bye')), '451 4.3.0 mail.inst.example says: 421 4.3.2 bye'],
  [deferred(peer(454, '4.7.0', 'x')), '451 4.3.0 mail.inst.example says: 454 4.7.0 x'],
  [
    defer({ kind: 'next-hop-policy', server, reply: peer(550, '5.7.1', 'blocked') }),
    '451 4.7.1 mail.inst.example says: 550 5.7.1 blocked',
  ],
  [
    defer({ kind: 'mailbox-full', server, reply: peer(552, '5.2.2', 'full') }),
    '452 4.2.2 mail.inst.example says: 552 5.2.2 full',
  ],
  [
    reject({ kind: 'next-hop-rejected', server, reply: peer(552, '5.3.4', 'large') }),
    '552 5.3.4 mail.inst.example says: 552 5.3.4 large',
  ],
  [
    reject({ kind: 'next-hop-rejected', server, reply: peer(550, '5.9.1', 'x') }),
    '550 5.6.0 mail.inst.example says: 550 5.9.1 x',
  ],
  [
    reject({ kind: 'not-served', domain: 'other.example' }),
    '550 5.7.1 relaying denied: other.example is not served here',
  ],
]

for (const [verdict, expected] of replies) {
  test(`${verdict.kind} ${verdict.reason.kind}: ${expected.slice(0, 9)}`, () => {
    assert.equal(encodeReply(verdictReply(verdict, '', '')), `${expected}\r\n`)
  })
}

test('the subject stands before the text, the trace id behind it', () => {
  assert.equal(
    encodeReply(verdictReply(reject({ kind: 'loop', hopCount: 50 }), '<a@b.example>: ', 'T.1')),
    '554 5.4.6 <a@b.example>: mail loop: 50 Received fields [T.1]\r\n',
  )
})

test('a long text is cut, the trace id is not', () => {
  const verdict = unknownUser(peer(550, '5.1.1', 'x'.repeat(5000)))
  const wire = encodeReply(verdictReply(verdict, '<a@b.example>: ', 'T.1'))
  assert.ok(wire.length <= 512) // RFC 5321 §4.5.3.1.5
  assert.match(wire, /x\.\.\. \[T\.1\]\r\n$/)
})

test("a peer's line ends and letters beyond ASCII do not reach the client", () => {
  const wire = encodeReply(verdictReply(unknownUser(peer(550, null, 'a\r\n250 Ok', 'é')), '', ''))
  assert.match(wire, /^[ -~]+\r\n$/)
})
