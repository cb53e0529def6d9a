// The last word on a mail: the next hops' own answers, put together.

import { encodeMailbox } from '#smtp/path.ts'
import { cleanAsciiLine } from '#base/text.ts'
import { outcomeText, type HandoverGroup, type HandoverRecipient } from '#handover/handover.ts'
import type { Recipients } from '#recipients/recipients.ts'
import {
  accept,
  defer,
  reject,
  type Deferral,
  type Rejection,
  type Verdict,
} from '#verdict/verdict.ts'
import type { TransferSummary } from './intake-event.ts'

/** What became of a mail as a whole. */
export interface MailJudgement {
  readonly verdict: Verdict
  /** For the reply, cleaned: the next hop's words when it took the mail, else whom the refusal concerns. */
  readonly words: string
  readonly transfers: readonly TransferSummary[]
  /** Recipients whose server has the mail. */
  readonly relayed: readonly string[]
}

/** Decided before any next hop got to see the mail. */
export function unsent(verdict: Deferral | Rejection): MailJudgement {
  return { verdict, words: '', transfers: [], relayed: [] }
}

/**
 * One verdict for all groups (house.md §3). All relayed: accept. Something deferred: the client keeps
 * the mail, and its retry goes only where the mail is not yet. Something refused and nothing deferred:
 * the refusal, because nobody else could tell the sender. The last two change when there is a spool
 * and a hold to take what is left.
 */
export function judgeGroups(
  groups: readonly HandoverGroup[],
  recipients: Pick<Recipients, 'learn'>,
): MailJudgement {
  const verdicts = groups.map((group) => judgeGroup(group, recipients))
  const deferred = verdicts.find((verdict) => verdict.kind === 'defer')
  const rejected = verdicts.find((verdict) => verdict.kind === 'reject')
  const relayed = groups.filter((group) => group.outcome.kind === 'relayed')
  return {
    verdict: deferred ?? rejected ?? accept,
    words: relayed.length === groups.length ? wordsOf(relayed) : concernedBy(groups, relayed),
    transfers: groups.map((group, index) => summaryOf(group, verdicts[index] ?? accept)),
    relayed: relayed.flatMap((group) => group.recipients).map(addressOf),
  }
}

function judgeGroup(group: HandoverGroup, recipients: Pick<Recipients, 'learn'>): Verdict {
  const learned = group.recipientReplies.map((_reply, index) => learn(group, index, recipients))
  const { outcome, nextHop } = group
  const { server } = nextHop
  switch (outcome.kind) {
    case 'relayed':
      return accept
    case 'refused':
      return reject({ kind: 'next-hop-rejected', server, reply: outcome.reply })
    case 'deferred':
      return defer({ kind: 'next-hop-deferred', server, reply: outcome.reply })
    case 'recipients-refused': {
      // One recipient: the exact answer. Several: the retry gets one for each at RCPT.
      const [only] = learned
      return learned.length === 1 && only !== undefined && only.kind !== 'accept'
        ? only
        : defer({ kind: 'recipients-changed', server })
    }
    case 'no-answer':
      return defer({ kind: 'next-hop-unreachable', server, detail: outcomeText(outcome) })
  }
}

function learn(
  group: HandoverGroup,
  index: number,
  recipients: Pick<Recipients, 'learn'>,
): Verdict {
  const recipient = group.recipients[index]
  const reply = group.recipientReplies[index]
  if (recipient === undefined || reply === undefined) return accept
  return recipients.learn(recipient.domain, recipient.mailbox, reply, group.nextHop)
}

function wordsOf(groups: readonly HandoverGroup[]): string {
  const said = groups.map(
    ({ outcome, nextHop }) => `${nextHop.server} says: ${outcomeText(outcome)}`,
  )
  return cleanAsciiLine(said.join('; '), 300)
}

/** With several groups the sender has to know which recipients did not get the mail. */
function concernedBy(groups: readonly HandoverGroup[], relayed: readonly HandoverGroup[]): string {
  if (groups.length === 1) return ''
  const failed = groups.filter((group) => !relayed.includes(group))
  const addresses = failed.flatMap((group) => group.recipients).map(addressOf)
  return cleanAsciiLine(addresses.map((address) => `<${address}>`).join(' '), 150)
}

function summaryOf(group: HandoverGroup, verdict: Verdict): TransferSummary {
  const outcomes = { accept: 'relayed', defer: 'deferred', reject: 'refused' } as const
  return {
    server: group.nextHop.server,
    address: group.nextHop.address,
    tls: group.nextHop.tls,
    outcome: outcomes[verdict.kind],
    reply: outcomeText(group.outcome),
    tookMs: group.tookMs,
  }
}

function addressOf(recipient: HandoverRecipient): string {
  return encodeMailbox(recipient.mailbox)
}
