// From the end of data to the verdict: our rules about the content, then the hand-over.

import {
  handOver,
  lateRefusals,
  traceContent,
  type HandoverMail,
  type LateRefusalEvent,
  type StoredContent,
  type TracedContent,
} from '#handover/handover.ts'
import { examineHeader } from '#message/header-section.ts'
import { encodeReceived } from '#message/received.ts'
import { judgeContent } from '#policy/policy.ts'
import type { Recipients } from '#recipients/recipients.ts'
import type { Transaction } from '#session/session.ts'
import { encodeMailbox, reversePathText } from '#smtp/path.ts'
import type { Spool } from '#spool/spool.ts'
import { accept, defer, reject, type Rejection } from '#verdict/verdict.ts'
import type { IncomingContent } from './incoming-content.ts'
import { hasLineAbove, notKept, objectionToKeeping } from './keeping.ts'
import { planMail, unsent, type MailJudgement } from './judge-mail.ts'
import type { TakenRecipient } from './judge-recipient.ts'
import type { MailIdentity, RelayedLedger } from './relayed-ledger.ts'
import { takeOver, type TakeOverOptions } from './take-over.ts'

export interface FinishOptions extends TakeOverOptions {
  readonly hostname: string
  readonly maxHopCount: number
  readonly maxHeaderBytes: number
  /** The whole hand-over, in milliseconds: the client waits. */
  readonly handoverBudgetMs: number
  readonly nextHops: Parameters<typeof handOver>[0]
  readonly spool: Pick<Spool, 'commit' | 'hasRoomFor'>
  readonly recipients: Pick<Recipients, 'learn'>
  readonly ledger: RelayedLedger
  /** Of mails that a server refuses after it has said yes to them; of no others. */
  readonly emit: (event: LateRefusalEvent) => void
}

/** All of a mail that has arrived completely, or is refused before it has. */
export interface CompleteMail {
  readonly id: string
  readonly transaction: Transaction
  readonly taken: readonly TakenRecipient[]
  /** Stored: `isStored` has become true. */
  readonly content: IncomingContent
  readonly maxMessageBytes: number
  readonly clientAddress: string
  readonly greeting: { readonly name: string; readonly isExtended: boolean }
  readonly tlsCipher: string | null
  readonly clientCertificate: string | undefined
  readonly clientPort: number
}

/** Rejects only on a bug or when the stored content cannot be read. */
export async function finishMail(
  options: FinishOptions,
  mail: CompleteMail,
): Promise<MailJudgement> {
  const { content } = mail
  if (content.storageError !== null) return unsent(defer({ kind: 'storage-failed' }))
  const head = content.isTooLarge ? null : content.head()
  const header = head === null ? null : examineHeader(head, options.hostname)
  const objection = judgeContent({
    sizeBytes: content.sizeBytes,
    isTooLarge: content.isTooLarge,
    maxMessageBytes: mail.maxMessageBytes,
    hasBareNewline: content.hasBareNewline,
    hopCount: header?.hopCount ?? null,
    maxHopCount: options.maxHopCount,
    maxHeaderBytes: options.maxHeaderBytes,
  })
  // A refusal may come before the end of the content; nothing else may be said of a part of a mail.
  if (objection !== null || head === null || header === null || !content.isComplete) {
    return unsent(objection ?? defer({ kind: 'internal-error' }))
  }
  const stored = content.stored(head)
  const limited = mail.taken.find(({ domain }) => domain.byHand.maxLineBytes !== null)
  if (limited !== undefined) {
    const tooLong = await lineTooLong(limited, stored)
    if (tooLong !== null) return unsent(tooLong)
  }
  const outbound: OutboundMail = {
    ...outboundMail(mail),
    content: traceContent(stored, trace(options, mail), header.forgedResults),
  }
  return options.ledger.isEmpty
    ? await relay(options, mail, outbound, stored, nobody)
    : await relayOnlyTheRest(options, mail, outbound, stored)
}

/** The limit is a person's word; it is the same for all recipients of a transaction. */
async function lineTooLong(
  { domain: { domain, byHand } }: TakenRecipient,
  stored: StoredContent,
): Promise<Rejection | null> {
  const maxBytes = byHand.maxLineBytes ?? Infinity
  return (await hasLineAbove(stored.openFrom(0), maxBytes))
    ? reject({ kind: 'line-too-long', domain, maxBytes })
    : null
}

const nobody: ReadonlySet<string> = new Set()

interface OutboundMail extends HandoverMail<TakenRecipient> {
  readonly content: TracedContent
}

/** `already`: recipients that need the mail no more since an earlier attempt. */
async function relay(
  options: FinishOptions,
  mail: CompleteMail,
  outbound: OutboundMail,
  stored: StoredContent,
  already: ReadonlySet<string>,
): Promise<MailJudgement> {
  const within = { signal: null, budgetMs: options.handoverBudgetMs }
  const groups = await handOver(options.nextHops, outbound, within)
  const plan = planMail(groups, options.recipients)
  for (const group of groups) {
    if (group.outcome.kind === 'relayed') continue
    for (const late of lateRefusals(group)) {
      options.emit({ kind: 'late-refusal', mail: mail.id, ...late })
    }
  }
  const judgement =
    plan.toTakeOver.length === 0
      ? plan.judgement
      : await keep(options, mail, outbound.content, plan, groups)
  const served = [...already, ...judgement.served]
  const identity = identityOf(mail, stored)
  if (judgement.verdict.kind !== 'accept' && served.length > 0) {
    await options.ledger.remember(identity, stored, Promise.resolve(served))
  }
  return { ...judgement, served, isRetry: already.size > 0 }
}

/** As `takeOver`, unless it is a mail that its server will not take from the spool. */
async function keep(...args: Parameters<typeof takeOver>): Promise<MailJudgement> {
  const [, mail, content, plan] = args
  const objection = await objectionToKeeping(plan, mail.transaction.parameters, content)
  return objection === null ? await takeOver(...args) : notKept(plan, objection)
}

/** The retry of a mail that some next hops already have goes only to the others. */
async function relayOnlyTheRest(
  options: FinishOptions,
  mail: CompleteMail,
  outbound: OutboundMail,
  stored: StoredContent,
): Promise<MailJudgement> {
  const served = await options.ledger.servedRecipients(identityOf(mail, stored), stored)
  const rest = outbound.recipients.filter(({ mailbox }) => !served.has(encodeMailbox(mailbox)))
  if (rest.length > 0) {
    return relay(options, mail, { ...outbound, recipients: rest }, stored, served)
  }
  const words = 'already delivered by an earlier attempt'
  const nothing = { transfers: [], takenOver: [], isUnclear: false, isRetry: true }
  return { verdict: accept, words, served: [...served], ...nothing }
}

export function identityOf(mail: CompleteMail, stored: StoredContent): MailIdentity {
  return {
    clientAddress: mail.clientAddress,
    reversePath: reversePathText(mail.transaction.reversePath),
    sizeBytes: stored.sizeBytes,
  }
}

function outboundMail(mail: CompleteMail): Omit<OutboundMail, 'content'> {
  const { reversePath, parameters } = mail.transaction
  return {
    reversePath: reversePathText(reversePath),
    recipients: mail.taken,
    isSmtpUtf8: parameters.isSmtpUtf8,
    is8BitMime: parameters.is8BitMime,
    client: {
      address: mail.clientAddress,
      port: mail.clientPort,
      greetingName: mail.greeting.name,
      isExtended: mail.greeting.isExtended,
    },
  }
}

function trace(options: FinishOptions, mail: CompleteMail): string {
  const [first] = mail.taken
  return encodeReceived({
    greetingName: mail.greeting.name,
    isExtended: mail.greeting.isExtended,
    isSmtpUtf8: mail.transaction.parameters.isSmtpUtf8,
    clientAddress: mail.clientAddress,
    hostname: options.hostname,
    id: mail.id,
    tlsCipher: mail.tlsCipher,
    ...(mail.clientCertificate !== undefined && { clientCertificate: mail.clientCertificate }),
    onlyRecipient:
      mail.taken.length === 1 && first !== undefined ? encodeMailbox(first.mailbox) : null,
    atMs: options.now(),
  })
}
