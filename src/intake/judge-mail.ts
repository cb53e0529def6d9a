// The last word on a mail: the next hops' own answers, put together, and what of it the relay takes over.

import { encodeMailbox } from '#smtp/path.ts'
import { cleanAsciiLine } from '#base/text.ts'
import { outcomeText, type HandoverGroup } from '#handover/handover.ts'
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
import type { TakenRecipient } from './judge-recipient.ts'
import { fatesOf, type FatedGroup, type FatedRecipient } from './recipient-fate.ts'

/** What became of a mail as a whole. */
export interface MailJudgement {
  readonly verdict: Verdict
  /** For the reply, cleaned: the next hop's words when it took the mail, else whom the refusal concerns. */
  readonly words: string
  readonly transfers: readonly TransferSummary[]
  /** Recipients that need no further attempt of the client: their server has the mail, or the spool. */
  readonly served: readonly string[]
  /** Of those, what the spool took. */
  readonly takenOver: readonly FatedRecipient[]
  /** Nobody knows whether the mail is in the spool: the client must hear neither yes nor no. */
  readonly isUnclear: boolean
  /** An earlier attempt of the client had served some of them. */
  readonly isRetry: boolean
}

/** What to do: answer so, or, if there is something to take over, try that and answer 250. */
export interface MailPlan {
  /** Without anything taken over. */
  readonly judgement: MailJudgement
  /** `spoolable` ones to be delivered later, `refused` ones for the hold; empty: nothing. */
  readonly toTakeOver: readonly FatedRecipient[]
}

/** Decided before any next hop got to see the mail. */
export function unsent(verdict: Deferral | Rejection): MailJudgement {
  const nothing = { transfers: [], served: [], takenOver: [], isUnclear: false, isRetry: false }
  return { verdict, words: '', ...nothing }
}

/**
 * One verdict for all groups (docs/flow.md §7). All relayed: accept. If everything that is left can be taken
 * over, it is: deferred recipients into the spool and, once an institute has the mail and its sender
 * cannot be told any more, refused ones into the hold. Otherwise nothing is taken over: something
 * deferred: the client keeps the mail, and its retry goes only where the mail is not yet; something
 * refused and nothing deferred: the refusal.
 */
export function planMail(
  groups: readonly HandoverGroup<TakenRecipient>[],
  recipients: Pick<Recipients, 'learn'>,
): MailPlan {
  const fated = groups.map((group) => fatesOf(group, recipients))
  const verdicts = fated.map(judgeGroup)
  const deferred = verdicts.find((verdict) => verdict.kind === 'defer')
  const rejected = verdicts.find((verdict) => verdict.kind === 'reject')
  const relayed = groups.filter((group) => group.outcome.kind === 'relayed')
  const judgement: MailJudgement = {
    verdict: deferred ?? rejected ?? accept,
    words: relayed.length === groups.length ? wordsOf(relayed) : concernedBy(groups, relayed),
    transfers: groups.map((group, index) => summaryOf(group, verdicts[index] ?? accept)),
    served: relayed.flatMap((group) => group.recipients).map(addressOf),
    takenOver: [],
    isUnclear: false,
    isRetry: false,
  }
  return { judgement, toTakeOver: toTakeOver(fated, relayed.length > 0) }
}

function toTakeOver(fated: readonly FatedGroup[], isRelayed: boolean): readonly FatedRecipient[] {
  const left = fated
    .flatMap(({ recipients }) => recipients)
    .filter(({ fate }) => fate !== 'relayed')
  const canAll = left.every(({ fate }) => fate === 'spoolable' || (isRelayed && fate === 'refused'))
  return canAll ? left : []
}

/** The spool has taken what was left. */
export function takenOver({ judgement, toTakeOver: taken }: MailPlan): MailJudgement {
  const waiting = taken.filter(({ fate }) => fate === 'spoolable').length
  const text = waiting > 0 ? 'taken over for later delivery' : 'taken over'
  const served = [...judgement.served, ...taken.map(({ recipient }) => addressOf(recipient))]
  return { ...judgement, verdict: accept, words: text, served, takenOver: taken }
}

function judgeGroup({ group, learned }: FatedGroup): Verdict {
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

function wordsOf(groups: readonly HandoverGroup[]): string {
  const said = groups.map(
    ({ outcome, nextHop }) => `${nextHop.server} says: ${outcomeText(outcome)}`,
  )
  return cleanAsciiLine(said.join('; '), 300)
}

/** With several groups the sender has to know which recipients did not get the mail. */
function concernedBy(
  groups: readonly HandoverGroup<TakenRecipient>[],
  relayed: readonly HandoverGroup<TakenRecipient>[],
): string {
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

export function addressOf({ mailbox }: TakenRecipient): string {
  return encodeMailbox(mailbox)
}
