// What a hand-over means for each recipient of a group: whose turn it is now, the institute's, the
// client's or ours.

import { outcomeText, type HandoverGroup } from '#handover/handover.ts'
import type { Recipients } from '#recipients/recipients.ts'
import { isPermanent, replyText, type PeerReply } from '#smtp/reply.ts'
import type { Verdict } from '#verdict/verdict.ts'
import type { TakenRecipient } from './judge-recipient.ts'

export type Fate =
  /** The next hop has the mail. */
  | 'relayed'
  /** No answer or a temporary one, and the recipient is good: the spool may take it. */
  | 'spoolable'
  /** 5yz: a matter for the client, or for the hold when others have the mail. */
  | 'refused'
  /** Neither of both: only the client can try again. */
  | 'client'

export interface FatedRecipient {
  readonly recipient: TakenRecipient
  readonly fate: Fate
  /** What the next hop said about it or its mail, or why it said nothing. Not cleaned. */
  readonly words: string
}

export interface FatedGroup {
  readonly group: HandoverGroup<TakenRecipient>
  /** In the order of the group's recipients. */
  readonly recipients: readonly FatedRecipient[]
  /** What the answers to RCPT mean for the client, in the same order; empty when there were none. */
  readonly learned: readonly Verdict[]
}

/** Passes what the next hop said of recipients on to `recipients`. */
export function fatesOf(
  group: HandoverGroup<TakenRecipient>,
  recipients: Pick<Recipients, 'learn'>,
): FatedGroup {
  const { outcome, nextHop, recipientReplies } = group
  const learned = recipientReplies.map((reply, index) => {
    const recipient = group.recipients[index]
    if (recipient === undefined) throw new Error('a reply to RCPT without a recipient')
    return recipients.learn(recipient.domain, recipient.mailbox, reply, nextHop)
  })
  const fated = group.recipients.map((recipient, index) => {
    const reply = recipientReplies[index]
    const isAsked = outcome.kind === 'recipients-refused' && reply !== undefined
    return {
      recipient,
      fate: fateOf(group, recipient, reply),
      words: isAsked ? replyText(reply) : outcomeText(outcome),
    }
  })
  return { group, recipients: fated, learned }
}

function fateOf(
  { outcome }: HandoverGroup,
  recipient: TakenRecipient,
  reply: PeerReply | undefined,
): Fate {
  const isGood = recipient.isKnownGood || reply?.code === 250 || reply?.code === 251
  const ifGood = isGood ? 'spoolable' : 'client'
  switch (outcome.kind) {
    case 'relayed':
      return 'relayed'
    case 'refused':
      return 'refused'
    case 'deferred':
      return ifGood
    case 'recipients-refused':
      return reply !== undefined && isPermanent(reply) ? 'refused' : ifGood
    case 'no-answer': {
      // Content sent, and no answer: the mail may be there, so keeping it would deliver it twice (RFC 1047).
      if (outcome.isContentSent) return 'client'
      const { kind, stage, reply: said } = outcome.cause
      // Its word about this sender, or this client: neither an outage nor temporary.
      if ((stage === 'mail' || stage === 'xclient') && said !== null && isPermanent(said))
        return 'client'
      const isOurs = kind === 'local' || kind === 'aborted' || kind === 'smtputf8-unsupported'
      return isOurs ? 'client' : ifGood
    }
  }
}
