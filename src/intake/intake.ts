// Sessions with clients: takes connections, runs their dialogs, drains. The door.

import type { Connection } from '#net/connection.ts'
import { encodeReply, reply } from '#smtp/reply.ts'
import { IntakeSession, type IntakeSessionOptions } from './intake-session.ts'

export { ContentMemory } from './content-memory.ts'
export { prepareContentFolder } from './content-file.ts'
export type { IntakeEvent } from './intake-event.ts'
export { judgeRecipient, type JudgedRecipient } from './judge-recipient.ts'
export { MemoryLedgerBook, type LedgerBook } from './ledger-book.ts'
export { RelayedLedger } from './relayed-ledger.ts'

export interface IntakeOptions extends IntakeSessionOptions {
  readonly maxSessionCount: number
  /** Gives the trace id of a new session. */
  readonly nextTraceId: () => string
}

export interface Intake {
  readonly accept: (connection: Connection) => void
  readonly sessionCount: () => number
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
  let isDraining = false
  const onClosed = (session: IntakeSession): void => void sessions.delete(session)
  const accept = (connection: Connection): void => {
    const now = options()
    if (isDraining || sessions.size >= now.maxSessionCount) {
      refuse(connection, isDraining ? 'draining' : 'too-many-sessions', now)
      return
    }
    const session = new IntakeSession(now.nextTraceId(), connection, now, onClosed)
    sessions.add(session)
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
  return { accept, sessionCount: () => sessions.size, drain }
}

function refuse(
  connection: Connection,
  reason: 'draining' | 'too-many-sessions',
  options: IntakeOptions,
): void {
  const { hostname } = options.rules
  const text = reason === 'draining' ? 'is shutting down' : 'has too many sessions'
  options.emit({ kind: 'session-refused', client: connection.remote, reason })
  const ignore = (): void => undefined
  connection.attach({ onData: ignore, onEnd: ignore, onDrain: ignore, onClose: ignore })
  connection.write(encodeReply(reply(421, '3.2', `${hostname} ${text}, please try again`)))
  connection.end()
  setTimeout(() => connection.destroy(), 1000).unref()
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
