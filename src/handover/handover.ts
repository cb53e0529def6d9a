// Hands one mail to its next hops while the client waits. The door. One group of recipients for each
// route, all groups at once; what became of each is told, not judged.

import type { Mailbox } from '#smtp/path.ts'
import { isPermanent, isPositive, replyText, type PeerReply } from '#smtp/reply.ts'
import { encodeMailbox } from '#smtp/path.ts'
import type {
  ContentReader,
  NextHopFacts,
  NextHops,
  NoAnswer,
  OutboundClient,
  TransferResult,
  Within,
} from '#nexthop/nexthop.ts'
import type { ServedDomain } from '#registry/registry.ts'

export type { NextHopFacts, NextHops, OutboundClient } from '#nexthop/nexthop.ts'
export { lateRefusals, type LateRefusal, type LateRefusalEvent } from './late-refusal.ts'
export { traceContent, type StoredContent, type TracedContent } from './content.ts'

export interface HandoverRecipient {
  readonly mailbox: Mailbox
  readonly domain: ServedDomain
}

export interface HandoverMail<Recipient extends HandoverRecipient = HandoverRecipient> {
  /** Without angle brackets; '' is the null reverse-path. */
  readonly reversePath: string
  readonly recipients: readonly Recipient[]
  readonly isSmtpUtf8: boolean
  readonly is8BitMime: boolean
  readonly content: OutboundContent
  /** Whose mail it is, for routes with XCLIENT; absent: nobody is named. */
  readonly client?: OutboundClient | null
}

/** Content in wire form as it goes out, trace field included. */
export interface OutboundContent {
  readonly sizeBytes: number
  readonly open: () => ContentReader
}

/** What became of the mail at one next hop. */
export type HandoverOutcome =
  /** 2yz to the content: the mail is there. */
  | { readonly kind: 'relayed'; readonly reply: PeerReply }
  /** 4yz to the content: the next hop decided against it for now. */
  | { readonly kind: 'deferred'; readonly reply: PeerReply }
  /** 5yz to the content or within it, or to MAIL because of its size: its word about this mail. */
  | { readonly kind: 'refused'; readonly reply: PeerReply }
  /** Some RCPT got no 2yz, so nothing was sent. In the order of the group's recipients. */
  | { readonly kind: 'recipients-refused'; readonly replies: readonly PeerReply[] }
  /** `isContentSent`: the mail may nevertheless have arrived (RFC 1047). */
  | {
      readonly kind: 'no-answer'
      readonly cause: NoAnswer
      readonly isContentSent: boolean
    }

export interface HandoverGroup<Recipient extends HandoverRecipient = HandoverRecipient> {
  /** All of one route, as they were given. */
  readonly recipients: readonly Recipient[]
  readonly outcome: HandoverOutcome
  /** Replies to RCPT in the order of `recipients`; empty when it did not come to that. */
  readonly recipientReplies: readonly PeerReply[]
  readonly nextHop: NextHopFacts
  readonly tookMs: number
}

/** Never rejects. Every recipient is in exactly one group. */
export async function handOver<Recipient extends HandoverRecipient>(
  nextHops: NextHops,
  mail: HandoverMail<Recipient>,
  within: Within,
): Promise<readonly HandoverGroup<Recipient>[]> {
  const groups = groupByRoute(mail.recipients)
  const [only] = groups
  if (groups.length === 1 && only !== undefined)
    return [await transfer(nextHops, mail, only, within)]
  return Promise.all(groups.map((group) => transfer(nextHops, mail, group, within)))
}

function groupByRoute<Recipient extends HandoverRecipient>(
  recipients: readonly Recipient[],
): readonly (readonly [Recipient, ...Recipient[]])[] {
  const groups = new Map<string, [Recipient, ...Recipient[]]>()
  for (const recipient of recipients) {
    const { id } = recipient.domain.route
    const group = groups.get(id)
    if (group === undefined) groups.set(id, [recipient])
    else group.push(recipient)
  }
  return [...groups.values()]
}

async function transfer<Recipient extends HandoverRecipient>(
  nextHops: NextHops,
  mail: HandoverMail,
  recipients: readonly [Recipient, ...Recipient[]],
  within: Within,
): Promise<HandoverGroup<Recipient>> {
  const result = await nextHops.transfer(
    recipients[0].domain.route,
    {
      reversePath: mail.reversePath,
      recipients: recipients.map(({ mailbox }) => encodeMailbox(mailbox)),
      isSmtpUtf8: mail.isSmtpUtf8,
      is8BitMime: mail.is8BitMime,
      sizeBytes: mail.content.sizeBytes,
      openContent: mail.content.open,
      client: mail.client ?? null,
    },
    within,
  )
  const { nextHop, tookMs } = result
  const recipientReplies = result.kind === 'no-answer' ? [] : result.recipients
  return { recipients, outcome: outcomeOf(result), recipientReplies, nextHop, tookMs }
}

function outcomeOf(result: TransferResult): HandoverOutcome {
  switch (result.kind) {
    case 'answered':
      if (isPositive(result.reply)) return { kind: 'relayed', reply: result.reply }
      return { kind: isPermanent(result.reply) ? 'refused' : 'deferred', reply: result.reply }
    case 'recipients-refused':
      return { kind: 'recipients-refused', replies: result.recipients }
    case 'no-answer': {
      const { cause, isContentSent } = result
      return cause.reply !== null && isSizeRefusal(cause, cause.reply)
        ? { kind: 'refused', reply: cause.reply }
        : { kind: 'no-answer', cause, isContentSent }
    }
  }
}

/**
 * RFC 1870 §6.1: 552 to MAIL SIZE=… is about this mail, unless its status says something else (a quota, a rule).
 * Any other refusal of MAIL may be about us.
 */
function isSizeRefusal({ kind, stage }: NoAnswer, { code, status }: PeerReply): boolean {
  const isOfSize = status === null || status === '5.3.4' || status === '5.2.3'
  return kind === 'refused' && stage === 'mail' && code === 552 && isOfSize
}

/** One line for the log: the next hop's words, or why there are none. Not cleaned. */
export function outcomeText(outcome: HandoverOutcome): string {
  switch (outcome.kind) {
    case 'relayed':
    case 'deferred':
    case 'refused':
      return replyText(outcome.reply)
    case 'recipients-refused':
      return outcome.replies.map(replyText).join('; ')
    case 'no-answer':
      return `${outcome.cause.kind} (${outcome.cause.stage}): ${outcome.cause.detail}`
  }
}
