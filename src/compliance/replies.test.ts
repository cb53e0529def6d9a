// Replies of real programs, and what each says of the recipient.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ReplyDecoder } from '#smtp/reply-decoder.ts'
import type { PeerReply } from '#smtp/reply.ts'
import {
  isClientPolicy,
  isSenderDomainProblem,
  judgeRecipient,
  type RecipientVerdict,
} from './replies.ts'

function replyOf(line: string): PeerReply {
  const decoder = new ReplyDecoder()
  decoder.push(Buffer.from(`${line}\r\n`))
  const decoded = decoder.next()
  assert.ok(decoded?.kind === 'reply')
  return decoded.reply
}

describe('what a reply to RCPT says', () => {
  const cases: readonly (readonly [line: string, verdict: RecipientVerdict])[] = [
    ['250 2.1.5 Ok', 'accepted'],
    ['251 User not local; will forward', 'accepted'],
    ['252 2.1.5 Cannot VRFY', 'cannot-verify'],
    [
      '550 5.1.1 <x@y.example>: Recipient address rejected: User unknown in local recipient table',
      'no-such-mailbox',
    ],
    ['550 Unrouteable address', 'no-such-mailbox'],
    ['550 Invalid recipient: <x@y.example>', 'no-such-mailbox'],
    [
      '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
      'no-such-mailbox',
    ],
    ['550 5.4.1 Recipient address rejected: Access denied', 'no-such-mailbox'],
    ['554 5.0.0 Transaction failed', 'refused-unspecific'],
    ['554 5.7.1 <x@y.example>: Relay access denied', 'relay-denied'],
    ['454 4.7.1 <x@y.example>: Relay access denied', 'relay-denied'],
    ['550 relay not permitted', 'relay-denied'],
    ['553 sorry, that domain isn’t in my list of allowed rcpthosts', 'relay-denied'],
    ['550 5.7.1 Unable to relay', 'relay-denied'],
    ['550 5.7.1 Rejected by policy', 'refused-policy'],
    [
      '554 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.example',
      'refused-policy',
    ],
    [
      '450 4.2.0 <x@y.example>: Recipient address rejected: Greylisted, see http://postgrey.example/',
      'greylisted',
    ],
    [
      '451 192.0.2.1 is not yet authorized to deliver mail from <a@b.example> to <x@y.example>. Please try later.',
      'greylisted',
    ],
    ['412 You are not whitelisted by this recipient.', 'greylisted'],
    ['451 4.3.0 Temporary lookup failure, please try again later', 'deferred'],
    ['450 4.7.1 Error: too much mail from 192.0.2.1', 'rate-limited'],
    [
      '450 4.1.1 <x@y.example>: Recipient address rejected: unverified address: Address verification in progress',
      'deferred',
    ],
  ]
  for (const [line, verdict] of cases) {
    test(`${verdict}: ${line}`, () => assert.equal(judgeRecipient(replyOf(line)), verdict))
  }
})

test('a client policy is one of the connecting address, not of the domain', () => {
  assert.ok(
    isClientPolicy(
      replyOf('450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]'),
    ),
  )
  assert.ok(!isClientPolicy(replyOf('554 5.7.1 <x@y.example>: Relay access denied')))
  assert.ok(!isClientPolicy(replyOf('550 5.4.1 Recipient address rejected: Access denied')))
})

test('the tester’s own domain is told apart', () => {
  assert.ok(
    isSenderDomainProblem(
      replyOf('450 4.1.8 <a@b.example>: Sender address rejected: Domain not found'),
    ),
  )
  assert.ok(
    isSenderDomainProblem(replyOf('553 5.1.8 Domain of sender address a@b.example does not exist')),
  )
  assert.ok(!isSenderDomainProblem(replyOf('550 5.1.1 User unknown')))
})
