// What a server refuses after it has said yes: content, and recipients it was asked for before. There is no such
// thing at a server that meets the requirements, so it is told apart from all else that may fail.

import { encodeMailbox } from '#smtp/path.ts'
import { isPermanent, replyText } from '#smtp/reply.ts'
import type { HandoverGroup } from './handover.ts'

export interface LateRefusal {
  /** A-label, lower case. */
  readonly domain: string
  /** Without angle brackets: whose mail it was, or who was refused. */
  readonly recipients: readonly string[]
  readonly server: string
  /** `content`: 4yz or 5yz to the content; `recipient`: 5yz to RCPT of somebody who had been accepted. */
  readonly at: 'content' | 'recipient'
  /** The server's words, not cleaned. */
  readonly reply: string
}

export type LateRefusalEvent = LateRefusal & {
  readonly kind: 'late-refusal'
  /** Trace id. */
  readonly mail: string
}

/** RFC 5321 §3.8: the server ends, whatever the mail is. */
const closingCode = 421

/** One for each domain; none of most groups, so that only refusals cost anything. */
export function lateRefusals(group: HandoverGroup): readonly LateRefusal[] {
  const { outcome, recipientReplies, recipients } = group
  switch (outcome.kind) {
    case 'relayed':
    case 'no-answer':
      return []
    case 'deferred':
    case 'refused':
      // Without replies to RCPT it was MAIL that was refused: the size, which was announced.
      return recipientReplies.length === 0 || outcome.reply.code === closingCode
        ? []
        : byDomain(group, recipients.keys(), 'content', replyText(outcome.reply))
    case 'recipients-refused': {
      const refused = [...recipientReplies.keys()].filter((index) => {
        const reply = recipientReplies[index]
        return reply !== undefined && isPermanent(reply)
      })
      const reply = recipientReplies[refused[0] ?? -1]
      return reply === undefined ? [] : byDomain(group, refused, 'recipient', replyText(reply))
    }
  }
}

function byDomain(
  { recipients, nextHop: { server } }: HandoverGroup,
  indices: Iterable<number>,
  at: LateRefusal['at'],
  reply: string,
): readonly LateRefusal[] {
  const found = new Map<string, string[]>()
  for (const index of indices) {
    const recipient = recipients[index]
    if (recipient === undefined) continue
    const { domain } = recipient.domain
    const others = found.get(domain)
    const address = encodeMailbox(recipient.mailbox)
    if (others === undefined) found.set(domain, [address])
    else others.push(address)
  }
  return [...found].map(([domain, addresses]) => ({
    domain,
    recipients: addresses,
    server,
    at,
    reply,
  }))
}
