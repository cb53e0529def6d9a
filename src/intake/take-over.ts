// Commits to the spool what the relay takes over from the client.

import type { TracedContent } from '#handover/handover.ts'
import type { HandoverGroup } from '#handover/handover.ts'
import { reversePathText } from '#smtp/path.ts'
import { SpoolError, type Attempt, type NewRecipient, type Spool } from '#spool/spool.ts'
import { defer, type Deferral } from '#verdict/verdict.ts'
import type { CompleteMail } from './finish-mail.ts'
import { addressOf, takenOver, type MailJudgement, type MailPlan } from './judge-mail.ts'
import type { FatedRecipient } from './recipient-fate.ts'
import type { TakenRecipient } from './judge-recipient.ts'

export interface TakeOverOptions {
  readonly spool: Pick<Spool, 'commit'>
  /** When to try first, from now. Wall time. */
  readonly firstAttemptMs: () => number
  readonly now: () => number
}

/**
 * Resolves when the spool has the mail durably, or has not. Never rejects for a fault of the spool: then the
 * judgement stays what it would have been, with the spool's reason in its place.
 */
export async function takeOver(
  options: TakeOverOptions,
  mail: CompleteMail,
  traced: TracedContent,
  plan: MailPlan,
  groups: readonly HandoverGroup<TakenRecipient>[],
): Promise<MailJudgement> {
  const { filePath } = mail.content
  const firstAttemptMs = options.firstAttemptMs()
  const { prefix, offset } = filePath === null ? wholeOf(traced) : traced.parts()
  try {
    await options.spool.commit({
      id: mail.id,
      reversePath: reversePathText(mail.transaction.reversePath),
      isSmtpUtf8: mail.transaction.parameters.isSmtpUtf8,
      is8BitMime: mail.transaction.parameters.is8BitMime,
      clientAddress: mail.clientAddress,
      greetingName: mail.greeting.name,
      receivedAtMs: options.now(),
      recipients: plan.toTakeOver.map((fated) =>
        newRecipient(fated, firstAttemptMs, options.now()),
      ),
      attempts: attemptsOf(plan, groups, options.now()),
      content: {
        prefix,
        file: filePath === null ? null : { path: filePath, offset },
        sizeBytes: traced.sizeBytes,
      },
    })
    return takenOver(plan)
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error
    const verdict = spoolVerdict(error, groups)
    return { ...plan.judgement, verdict, isUnclear: error.isUnclear }
  }
}

/** Content in memory: all of it is there at once. */
function wholeOf(traced: TracedContent): { prefix: readonly Buffer[]; offset: number } {
  const pieces = traced.open().next()
  if (pieces === null || pieces instanceof Promise) throw new Error('content is not in memory')
  return { prefix: pieces, offset: 0 }
}

function newRecipient(fated: FatedRecipient, firstAttemptMs: number, nowMs: number): NewRecipient {
  const { recipient, fate, words } = fated
  return {
    address: addressOf(recipient),
    domain: recipient.domain.domain,
    fate:
      fate === 'refused'
        ? { kind: 'held', reason: 'refused', sinceMs: nowMs }
        : { kind: 'waiting', nextAttemptMs: firstAttemptMs },
    reply: words,
  }
}

/** One for each domain that has recipients in the spool now. */
function attemptsOf(
  plan: MailPlan,
  groups: readonly HandoverGroup<TakenRecipient>[],
  atMs: number,
): readonly Attempt[] {
  return groups.flatMap((group, index) => {
    const summary = plan.judgement.transfers[index]
    const taken = plan.toTakeOver.filter(({ recipient }) => group.recipients.includes(recipient))
    if (summary === undefined) return []
    const domains = new Set(taken.map(({ recipient }) => recipient.domain.domain))
    return [...domains].map((domain) => ({ ...summary, atMs, domain }))
  })
}

function spoolVerdict(error: SpoolError, groups: readonly HandoverGroup[]): Deferral {
  if (error.kind === 'full') return defer({ kind: 'storage-failed' })
  const failed = groups.find(({ outcome }) => outcome.kind !== 'relayed')
  return defer({ kind: 'spool-failed', server: failed?.nextHop.server ?? '' })
}
