// One attempt: a lease becomes a hand-over, its outcome a settlement. Nothing here decides when.

import { handOver, lateRefusals, outcomeText, type HandoverGroup } from '#handover/handover.ts'
import { isPermanent, isPositive, replyText, type PeerReply } from '#smtp/reply.ts'
import type { Mailbox } from '#smtp/path.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import type { ServedDomain } from '#registry/registry.ts'
import { SpoolError } from '#spool/spool.ts'
import type {
  Attempt,
  HoldReason,
  Lease,
  LeasedRecipient,
  SettledRecipient,
  Settlement,
  SpoolContent,
} from '#spool/spool.ts'
import type { DeliveryOptions } from './delivery.ts'
import { nextAttemptMs } from './schedule.ts'

/** A recipient of a served domain, under way. */
interface Addressee {
  readonly leased: LeasedRecipient
  readonly mailbox: Mailbox
  readonly domain: ServedDomain
}

/** What is new about one recipient. */
type Fate = 'relayed' | 'deferred' | 'held'

/** A target that was busy is asked again so soon. */
const busyPauseMs = 1000

/** `domain` with the route to take. Never rejects. */
export async function attempt(
  options: DeliveryOptions,
  lease: Lease,
  domain: ServedDomain,
  signal: AbortSignal,
): Promise<Settlement> {
  const { content } = lease
  if (content === null)
    return allHeld(options, lease, 'damaged', 'its content file is missing or has another size')
  const addressees: Addressee[] = []
  for (const leased of lease.recipients) {
    const mailbox = parseMailbox(leased.address)
    if (!mailbox.ok) return allHeld(options, lease, 'damaged', 'its recipients cannot be read')
    addressees.push({ leased, mailbox: mailbox.value, domain })
  }
  const first = await send(options, lease, content, addressees, signal)
  if (first === null) return allUntried(options, lease)
  const settled = await settlementOf(options, lease, content, first)
  // The next hop takes some of the recipients: those get the mail, now that it knows only of them.
  const welcome = welcomeOf(first)
  if (welcome.length === 0) return settled
  const second = await send(options, lease, content, welcome, signal)
  if (second === null) return settled
  const more = await settlementOf(options, lease, content, second)
  const isIn = new Set(more.recipients.map(({ address }) => address))
  return {
    recipients: [
      ...settled.recipients.filter(({ address }) => !isIn.has(address)),
      ...more.recipients,
    ],
    attempts: [...settled.attempts, ...more.attempts],
  }
}

/** Of a domain that is not served any more, or content that is damaged. */
export function allHeld(
  options: Pick<DeliveryOptions, 'clock'>,
  lease: Lease,
  reason: HoldReason,
  reply: string,
): Settlement {
  const fate = { kind: 'held', reason, sinceMs: options.clock.now() } as const
  return {
    recipients: lease.recipients.map(({ address }) => ({ address, fate, reply })),
    attempts: [],
  }
}

async function send(
  options: DeliveryOptions,
  lease: Lease,
  content: SpoolContent,
  recipients: readonly Addressee[],
  signal: AbortSignal,
): Promise<HandoverGroup<Addressee> | null> {
  const { reversePath, isSmtpUtf8, is8BitMime, clientAddress, greetingName } = lease
  const client = { address: clientAddress, port: null, greetingName, isExtended: null }
  const mail = { reversePath, recipients, isSmtpUtf8, is8BitMime, content, client }
  const within = { signal, budgetMs: options.attemptBudgetMs, precedence: 'spool' } as const
  const [group] = await handOver(options.nextHops, mail, within)
  if (group === undefined || isUntried(group)) return null
  // Where a person has moved the mail, nobody had said yes to it.
  for (const late of lease.movedTo === null ? lateRefusals(group) : []) {
    options.emit({ kind: 'late-refusal', mail: lease.id, ...late })
  }
  for (const [index, reply] of group.recipientReplies.entries()) {
    const addressee = group.recipients[index]
    if (addressee !== undefined) {
      options.onRecipientReply(addressee.domain, addressee.mailbox, reply, group.nextHop)
    }
  }
  return group
}

/** The next hop has not been asked. */
function isUntried({ outcome }: HandoverGroup): boolean {
  if (outcome.kind !== 'no-answer') return false
  const { kind } = outcome.cause
  return kind === 'breaker-open' || kind === 'busy' || kind === 'aborted'
}

async function settlementOf(
  options: DeliveryOptions,
  lease: Lease,
  content: SpoolContent,
  group: HandoverGroup<Addressee>,
): Promise<Settlement> {
  const { outcome } = group
  if (outcome.kind === 'no-answer' && outcome.cause.kind === 'local') {
    const problem = await contentProblem(content)
    if (problem !== null) return allHeld(options, lease, 'damaged', problem)
  }
  // One draw for all: recipients of one mail stay together.
  const draw = options.random()
  const once = { ...options, random: () => draw }
  return {
    recipients: group.recipients.map((addressee, index) =>
      settled(once, addressee, fateOf(group, group.recipientReplies[index]), wordsOf(group, index)),
    ),
    attempts: [attemptOf(options, lease, group)],
  }
}

function fateOf({ outcome }: HandoverGroup, reply: PeerReply | undefined): Fate {
  switch (outcome.kind) {
    case 'relayed':
      return 'relayed'
    case 'refused':
      return 'held'
    case 'deferred':
      return 'deferred'
    case 'recipients-refused':
      return reply !== undefined && isPermanent(reply) ? 'held' : 'deferred'
    case 'no-answer':
      // The server will not learn SMTPUTF8 by waiting.
      return outcome.cause.kind === 'smtputf8-unsupported' ? 'held' : 'deferred'
  }
}

function wordsOf(group: HandoverGroup, index: number): string {
  const reply = group.recipientReplies[index]
  return group.outcome.kind === 'recipients-refused' && reply !== undefined
    ? replyText(reply)
    : outcomeText(group.outcome)
}

function settled(
  options: DeliveryOptions,
  { leased }: Addressee,
  fate: Fate,
  reply: string,
): SettledRecipient {
  const { address } = leased
  const nowMs = options.clock.now()
  if (fate === 'relayed') return { address, fate: { kind: 'relayed' }, reply }
  if (fate === 'held') {
    return { address, fate: { kind: 'held', reason: 'refused', sinceMs: nowMs }, reply }
  }
  if (nowMs - leased.ageFromMs >= options.holdAfterMs) {
    return { address, fate: { kind: 'held', reason: 'expired', sinceMs: nowMs }, reply }
  }
  const next = nextAttemptMs(options.schedule, leased.attemptCount + 1, nowMs, options.random)
  return { address, fate: { kind: 'waiting', nextAttemptMs: next }, reply }
}

/** Recipients that were accepted beside refused ones. */
function welcomeOf({
  outcome,
  recipients,
  recipientReplies,
}: HandoverGroup<Addressee>): readonly Addressee[] {
  if (outcome.kind !== 'recipients-refused') return []
  return recipients.filter((_recipient, index) => {
    const reply = recipientReplies[index]
    return reply !== undefined && isPositive(reply)
  })
}

function attemptOf(
  options: DeliveryOptions,
  lease: Lease,
  { outcome, nextHop, tookMs }: HandoverGroup,
): Attempt {
  const isRefused =
    outcome.kind === 'refused' ||
    (outcome.kind === 'recipients-refused' && outcome.replies.some(isPermanent))
  return {
    atMs: options.clock.now(),
    domain: lease.domain,
    server: nextHop.server,
    address: nextHop.address,
    tls: nextHop.tls,
    outcome: outcome.kind === 'relayed' ? 'relayed' : isRefused ? 'refused' : 'deferred',
    reply: outcomeText(outcome),
    tookMs,
  }
}

/** As before, to be tried soon; no attempt is counted. */
function allUntried(options: DeliveryOptions, lease: Lease): Settlement {
  const fate = { kind: 'waiting', nextAttemptMs: options.clock.now() + busyPauseMs } as const
  return {
    recipients: lease.recipients.map(({ address }) => ({ address, fate, reply: null })),
    attempts: [],
  }
}

/** Reads all of it. Null: it is what was stored, or cannot be read just now. */
async function contentProblem(content: SpoolContent): Promise<string | null> {
  const reader = content.open()
  try {
    while ((await reader.next()) !== null);
    return null
  } catch (error) {
    return error instanceof SpoolError && error.kind === 'damaged' ? error.message : null
  } finally {
    reader.close()
  }
}
