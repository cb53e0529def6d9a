// What a server means by its reply. The first digit decides (RFC 5321 §4.2), the enhanced code and the words
// say why. Words are those of real programs; see design of the bench in docs/compliance.md.

import { cleanLine } from '#base/text.ts'
import { isPositive, isTransient, replyText, type PeerReply } from '#smtp/reply.ts'
import type { Answer } from './dialog/questions.ts'

/** What a reply to RCPT says of a recipient. */
export type RecipientVerdict =
  | 'accepted'
  /** 252: will try, cannot say (RFC 5321 §3.5.3). */
  | 'cannot-verify'
  | 'no-such-mailbox'
  /** Permanent, but with a code that does not say "no such mailbox". */
  | 'refused-unspecific'
  /** The domain is not configured there. */
  | 'relay-denied'
  /** Refused for who is asking, not for who is asked for. */
  | 'refused-policy'
  | 'greylisted'
  | 'rate-limited'
  | 'deferred'

const relayDenied =
  /relay(?:ing)?\s*(?:access\s*)?(?:is\s*)?(?:denied|not permitted|prohibited|not allowed)|not permitted to relay|unable to relay|rcpthosts|do(?:es)?\s*not relay|no relay/i
const greylisting =
  /gr[ea]y-?list|postgrey|not yet authorized to deliver|you are not whitelisted by this recipient|(?:try again|retry) in \d+/i
const rateLimit =
  /too many|rate limit|too much mail|connection limit|open connections|concurrent|exceeded/i
const clientPolicy =
  /\bptr\b|reverse (?:dns|lookup|host)|cannot find your (?:reverse )?hostname|\brbl\b|dnsbl|block ?list|blacklist|spamhaus|spamcop|client host|helo command|(?:helo|ehlo)[^.]{0,30}(?:reject|invalid|not)|banned|poor reputation|bad reputation/i
const spf = /\bspf\b|sender id|sender policy/i
const dmarc = /\bdmarc\b/i
const senderVerify =
  /sender verif|verify sender|sender address[^.]{0,40}(?:unverified|undeliverable)|callout|callback|could not (?:complete|verify) sender|unrouteable sender/i
const senderDomain =
  /sender[^.]{0,60}(?:domain|host) (?:\S+ )?(?:not found|does not (?:exist|resolve))|domain of sender|sender domain|[45]\.1\.8 |[45]\.7\.27 |unable to verify sender domain/i
const policyWords = /spam|\bpolicy\b|blocked|denied|forbidden|prohibited|not allowed/i
const noSuchStatus = /^5\.(?:1\.(?:0|1|2|3|6|10)|2\.1|4\.1)$/

export function judgeRecipient(reply: PeerReply): RecipientVerdict {
  if (reply.code === 252) return 'cannot-verify'
  if (isPositive(reply)) return 'accepted'
  const words = replyText(reply)
  if (relayDenied.test(words)) return 'relay-denied'
  if (isTransient(reply)) {
    if (isGreylisting(reply)) return 'greylisted'
    return isRateLimit(reply) ? 'rate-limited' : 'deferred'
  }
  const isNoSuch = reply.status !== null && noSuchStatus.test(reply.status)
  if (isNoSuch) return 'no-such-mailbox'
  if (reply.status?.startsWith('5.7.') === true || isClientPolicy(reply)) return 'refused-policy'
  if (isSpf(reply) || isDmarc(reply) || isSenderVerification(reply)) return 'refused-policy'
  if (policyWords.test(words)) return 'refused-policy'
  return reply.code === 550 ? 'no-such-mailbox' : 'refused-unspecific'
}

export function isGreylisting(reply: PeerReply): boolean {
  return isTransient(reply) && greylisting.test(replyText(reply)) && !isRateLimit(reply)
}

export function isRateLimit(reply: PeerReply): boolean {
  return !isPositive(reply) && rateLimit.test(replyText(reply))
}

export function isClientPolicy(reply: PeerReply): boolean {
  // "Relay access denied" speaks of the domain, not of who is asking.
  return !isPositive(reply) && !isRelayDenied(reply) && clientPolicy.test(replyText(reply))
}

export function isSpf(reply: PeerReply): boolean {
  return !isPositive(reply) && spf.test(replyText(reply))
}

export function isDmarc(reply: PeerReply): boolean {
  return !isPositive(reply) && dmarc.test(replyText(reply))
}

export function isSenderVerification(reply: PeerReply): boolean {
  return !isPositive(reply) && senderVerify.test(replyText(reply))
}

export function isRelayDenied(reply: PeerReply): boolean {
  return !isPositive(reply) && relayDenied.test(replyText(reply))
}

/** Our sender's domain is not liked or not found: that says something of the tester, not of the server. */
export function isSenderDomainProblem(reply: PeerReply): boolean {
  return !isPositive(reply) && senderDomain.test(replyText(reply))
}

/** `550 5.1.1 User unknown`, or what happened instead. Cleaned, one line. */
export function wordsOf(answer: Answer): string {
  return answer.kind === 'none' ? answer.detail : cleanLine(replyText(answer.reply), 200)
}
