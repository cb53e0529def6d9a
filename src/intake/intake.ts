// Sessions with clients: takes connections, runs their dialogs, drains. The door.

import type { Connection } from '#net/connection.ts'
import { encodeReply, reply } from '#smtp/reply.ts'
import { Handshakes } from './handshakes.ts'
import type { SentAwayReason, Shortage } from './intake-event.ts'
import { IntakeSession, type IntakeSessionOptions } from './intake-session.ts'
import { Strain } from './strain.ts'

export { ContentMemory } from './content-memory.ts'
export { prepareContentFolder } from './content-file.ts'
export { GuessBook, type GuessCount } from './guess-book.ts'
export type { IntakeEvent, Shortage } from './intake-event.ts'
export type { SessionLimits } from './intake-session.ts'
export { judgeRecipient, type JudgedRecipient } from './judge-recipient.ts'
export { TransactionRules, type MailRules } from './mail-rules.ts'
export { MemoryLedgerBook, type LedgerBook } from './ledger-book.ts'
export { RelayedLedger } from './relayed-ledger.ts'

export interface IntakeOptions extends IntakeSessionOptions {
  /** Of all processes together. */
  readonly maxSessionCount: number
  /** Sessions of the other processes; changes are told by `look`. */
  readonly otherSessionCount: () => number
  /** Percent of the places from which on sessions live by `strained`. */
  readonly strainAtPercent: number
  /** What has become short, so that new sessions are sent away; null: nothing. */
  readonly shortage: () => Shortage | null
  /** Whether anything is short: the same, without counting a connection. Changes are told by `look`. */
  readonly isShort: () => boolean
  /** TLS handshakes under way at once under strain. */
  readonly maxStrainedHandshakeCount: number
  /** Gives the trace id of a new session. */
  readonly nextTraceId: () => string
}

export interface Intake {
  readonly accept: (connection: Connection) => void
  /** Says 421 to it when there is no place for one more session; true: that is done. */
  readonly turnsAway: (connection: Connection) => boolean
  readonly sessionCount: () => number
  /** The number of sessions elsewhere has changed, or what is short. */
  readonly look: () => void
  /**
   * Ends idle sessions with 421 and waits for mails in progress; after `graceMs` what is left is cut off.
   * New connections get 421 from now on. For the first `patienceMs` sessions that have not had a mail yet,
   * or are in the middle of a transaction, are not idle.
   */
  readonly drain: (graceMs: number, patienceMs?: number) => Promise<void>
}

/** `options` is asked for at each connection, so that changed limits reach the next session. */
export function openIntake(options: () => IntakeOptions): Intake {
  const sessions = new Set<IntakeSession>()
  const strain = new Strain(options())
  const handshakes = new Handshakes()
  let isShort = options().isShort()
  let isDraining = false
  const taken = (now: IntakeOptions): number => sessions.size + now.otherSessionCount()
  const isStrained = (): boolean => isShort || strain.isStrained
  const look = (): void => {
    const now = options()
    const wasStrained = isStrained()
    strain.look(taken(now), now.maxSessionCount, now.strainAtPercent)
    isShort = now.isShort()
    if (isStrained() === wasStrained) return
    handshakes.limit(isStrained() ? now.maxStrainedHandshakeCount : Infinity)
    if (!wasStrained) for (const session of sessions) session.strain()
  }
  const on = {
    onClosed: (session: IntakeSession): void => {
      sessions.delete(session)
      look()
    },
    isStrained,
    handshakes,
  }
  const refusalReason = (now: IntakeOptions): SentAwayReason | null => {
    if (isDraining) return 'draining'
    return now.shortage() ?? (taken(now) >= now.maxSessionCount ? 'too-many-sessions' : null)
  }
  const turnsAway = (connection: Connection): boolean => {
    const now = options()
    const reason = refusalReason(now)
    if (reason !== null) refuse(connection, reason, now)
    return reason !== null
  }
  const accept = (connection: Connection): void => {
    if (turnsAway(connection)) return
    const now = options()
    const session = new IntakeSession(now.nextTraceId(), connection, now, on)
    sessions.add(session)
    look()
    session.start()
  }
  const drain = async (graceMs: number, patienceMs = 0): Promise<void> => {
    isDraining = true
    const startMs = performance.now()
    const isOverAfter = (ms: number): boolean =>
      sessions.size === 0 || performance.now() - startMs >= ms
    for (const session of sessions) session.drain(patienceMs > 0)
    while (!isOverAfter(patienceMs)) await pause(20)
    for (const session of sessions) session.drain(false)
    while (!isOverAfter(graceMs)) await pause(20)
    for (const session of sessions) session.destroy()
  }
  return { accept, turnsAway, sessionCount: () => sessions.size, look, drain }
}

const refusals: Readonly<Record<SentAwayReason, string>> = {
  draining: 'is shutting down',
  'too-many-sessions': 'has too many sessions',
  'loop-late': 'is overloaded',
  'descriptors-short': 'is overloaded',
  'memory-short': 'is overloaded',
}

/** Costs one write: nothing of the connection is kept, whatever its client does. */
function refuse(connection: Connection, reason: SentAwayReason, options: IntakeOptions): void {
  const { hostname } = options.rules
  options.emit({ kind: 'session-refused', client: connection.remote, reason })
  const text = `${hostname} ${refusals[reason]}, please try again`
  connection.farewell(encodeReply(reply(421, '3.2', text)))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
