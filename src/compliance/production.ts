// What a server has refused of real mail after it had said yes. The relay counts it for a day, and judges the
// requirement `production-rejections` by it. Pure.

import { text, type Text } from './text.ts'
import { AddressMask } from './transcript.ts'

export const productionTitle: Text = text(
  'Im Betrieb wird nichts nachträglich abgelehnt',
  'In operation nothing is refused afterwards',
)

/** Content, and recipients that were accepted before. */
export type LateKind = 'content' | 'recipient'

export const hourMs = 3_600_000
export const dayMs: number = 24 * hourMs

/** People vanish between a question and a mail; so many within an hour do not. */
const maxRecipientCountPerHour = 2

/** Words of a server that are kept as an example. */
const maxReplyLength = 300

export interface HourOfRefusals {
  /** Wall time at which it began. */
  readonly fromMs: number
  readonly contentCount: number
  readonly recipientCount: number
}

export interface RefusalExample {
  readonly atMs: number
  /** Trace id. */
  readonly mail: string
  readonly server: string
  /** Cleaned; in what is kept the addresses of people are masked. */
  readonly reply: string
}

export interface LateRefusalState {
  /** A-label. */
  readonly domain: string
  /** Route.id of the server it was: with another one everything begins anew. */
  readonly routeId: string
  /** At most 25, the newest last. */
  readonly hours: readonly HourOfRefusals[]
  /** Of the last refused recipients, as many as it takes; the newest last. */
  readonly lastRecipientsMs: readonly number[]
  /** The last one of each kind. */
  readonly examples: Readonly<Record<LateKind, RefusalExample | null>>
  /** Null: the server does what is required of it. */
  readonly degraded: {
    readonly sinceMs: number
    /** The last refusal that alone would be too much; a day after it all is well. */
    readonly lastAtMs: number
    /** People, log and metrics have heard of it. */
    readonly isTold: boolean
  } | null
}

export interface SeenRefusal extends RefusalExample {
  readonly kind: LateKind
  /** Mails, or recipients; at least 1. */
  readonly count: number
  /** A person has said that this server refuses content: it is counted, and nobody is told. */
  readonly isExpected: boolean
}

/** Since when a relay counts with its state folder, and when it last said that it does. Wall times. */
export interface Counting {
  readonly sinceMs: number
  readonly aliveAtMs: number
}

/** Of a domain whose mail goes to the server that is examined. */
export interface ProductionRecord {
  readonly domain: string
  /** Null: no relay has ever counted there. */
  readonly counting: Counting | null
  /** Null: nothing was refused. */
  readonly state: LateRefusalState | null
}

export function emptyRefusals(domain: string, routeId: string): LateRefusalState {
  const examples = { content: null, recipient: null }
  return { domain, routeId, hours: [], lastRecipientsMs: [], examples, degraded: null }
}

export function afterRefusal(before: LateRefusalState, seen: SeenRefusal): LateRefusalState {
  const { kind, atMs, count, mail, server, reply } = seen
  const isRecipient = kind === 'recipient'
  const fresh = Array.from({ length: Math.min(count, maxRecipientCountPerHour + 1) }, () => atMs)
  const lastRecipientsMs = isRecipient
    ? [...before.lastRecipientsMs, ...fresh].slice(-(maxRecipientCountPerHour + 1))
    : before.lastRecipientsMs
  const example = {
    atMs,
    mail,
    server,
    reply: new AddressMask().mask(reply.slice(0, maxReplyLength)),
  }
  const isTooMuch = isRecipient ? areWithinAnHour(lastRecipientsMs) : !seen.isExpected
  const { degraded } = before
  return {
    ...before,
    hours: counted(before.hours, seen),
    lastRecipientsMs,
    examples: { ...before.examples, [kind]: example },
    degraded: isTooMuch
      ? {
          sinceMs: degraded?.sinceMs ?? atMs,
          lastAtMs: atMs,
          isTold: degraded?.isTold ?? false,
        }
      : degraded,
  }
}

function areWithinAnHour(times: readonly number[]): boolean {
  const first = times[0] ?? 0
  const last = times.at(-1) ?? 0
  return times.length > maxRecipientCountPerHour && Math.abs(last - first) <= hourMs
}

function counted(
  hours: readonly HourOfRefusals[],
  { kind, atMs, count }: SeenRefusal,
): readonly HourOfRefusals[] {
  const recent = recentHours(hours, atMs)
  const last = recent.at(-1)
  const isCurrent = last !== undefined && atMs >= last.fromMs && atMs - last.fromMs < hourMs
  const hour = isCurrent ? last : { fromMs: atMs, contentCount: 0, recipientCount: 0 }
  const key = kind === 'content' ? 'contentCount' : 'recipientCount'
  const next = { ...hour, [key]: hour[key] + count }
  return [...(isCurrent ? recent.slice(0, -1) : recent), next].slice(-25)
}

/** Also not those of a clock that was wrong. */
function recentHours(hours: readonly HourOfRefusals[], nowMs: number): readonly HourOfRefusals[] {
  return hours.filter(({ fromMs }) => fromMs > nowMs - dayMs && fromMs <= nowMs)
}

/** Of the last 24 hours, to the hour. */
export function refusalCounts(
  { hours }: Pick<LateRefusalState, 'hours'>,
  nowMs: number,
): Omit<HourOfRefusals, 'fromMs'> {
  const recent = recentHours(hours, nowMs)
  const sum = (key: 'contentCount' | 'recipientCount'): number =>
    recent.reduce((total, hour) => total + hour[key], 0)
  return { contentCount: sum('contentCount'), recipientCount: sum('recipientCount') }
}

/** The same object while nothing has ended. */
export function atTime(state: LateRefusalState, nowMs: number): LateRefusalState {
  const { degraded } = state
  return degraded !== null && nowMs - degraded.lastAtMs >= dayMs
    ? { ...state, degraded: null }
    : state
}

/** Nothing of it is worth keeping any more. */
export function isOver(state: LateRefusalState, nowMs: number): boolean {
  const { contentCount, recipientCount } = refusalCounts(state, nowMs)
  return state.degraded === null && contentCount + recipientCount === 0
}

/** One or two sentences, with the server's last words. */
export function refusalSummary(state: LateRefusalState, nowMs: number): Text {
  const { contentCount, recipientCount } = refusalCounts(state, nowMs)
  const { content, recipient } = state.examples
  const kinds = [
    ...(contentCount > 0 && content !== null
      ? [
          text(
            `${contentCount} Ablehnungen nach DATA in 24 h, zuletzt: „${content.reply}“.`,
            `${contentCount} refusals after DATA in 24 h, the last: “${content.reply}”.`,
          ),
        ]
      : []),
    ...(recipientCount > 0 && recipient !== null
      ? [
          text(
            `${recipientCount} Empfänger in 24 h abgelehnt, die vorher angenommen waren, zuletzt: „${recipient.reply}“.`,
            `${recipientCount} recipients refused in 24 h that had been accepted before, the last: “${recipient.reply}”.`,
          ),
        ]
      : []),
  ]
  if (kinds.length === 0) {
    return text('Keine Ablehnung in den letzten 24 h.', 'No refusal in the last 24 h.')
  }
  return text(kinds.map(({ de }) => de).join(' '), kinds.map(({ en }) => en).join(' '))
}
