// The catcher: a port that takes mail for live tokens, refuses everything else, and sends nothing to anybody.

import type { Clock } from '#base/clock.ts'
import { Deadlines } from '#base/deadlines.ts'
import type { SocketAddress } from '#net/connection.ts'
import { openListener } from '#net/listener.ts'
import type { SessionRules } from '#session/session.ts'
import { CatchSession } from './catch-session.ts'
import { aliveEveryMs, CatcherError, type CatcherEvent, type CatchStore } from './catcher.ts'

export interface CatcherOptions {
  readonly address: string
  readonly port: number
  readonly hostname: string
  readonly domain: string
  /** The caller closes it, after the catcher. */
  readonly store: CatchStore
  readonly clock: Clock
  readonly emit: (event: CatcherEvent) => void
}

export interface Catcher {
  readonly address: SocketAddress
  /** Ends every session at once: what was not answered with 250 is the client's to send again. */
  readonly close: () => void
}

/** A handful of servers send back a handful of mails. */
const maxSessionCount = 50
/** RFC 5321 §4.5.3.2.7. */
const idleMs = 5 * 60_000
const sessionMs = 60 * 60_000
const sweepMs = 1000
const purgeEveryMs = 60 * 60_000
/** A returned test mail of 50 MiB, in base64 once more at the worst; all but its beginning is dropped. */
const maxMessageBytes = 80 * 1024 * 1024

/** Rejects with the system's error when the port cannot be opened. */
export async function openCatcher(options: CatcherOptions): Promise<Catcher> {
  const { hostname, domain, store, clock, emit } = options
  const deadlines = new Deadlines({ monotonicMs: clock.monotonicMs, intervalMs: sweepMs })
  const sessions = new Set<CatchSession>()
  let purgedAtMs = -Infinity
  const look = (nowMs: number | null): void => {
    try {
      store.tellAlive(nowMs)
      if (nowMs === null || nowMs - purgedAtMs < purgeEveryMs) return
      store.purge(nowMs)
      purgedAtMs = nowMs
    } catch (error) {
      if (!(error instanceof CatcherError)) throw error
      emit({ kind: 'catcher-failed', error: error.message })
    }
  }
  const listener = await openListener({
    address: options.address,
    port: options.port,
    onConnection: (connection) => {
      if (sessions.size >= maxSessionCount) {
        connection.farewell(
          `421 4.7.0 ${hostname} has too many sessions, please try again later\r\n`,
        )
        return
      }
      const session = new CatchSession(connection, {
        domain,
        rules: rulesOf(hostname),
        timeouts: { idleMs, sessionMs },
        store,
        deadlines,
        now: clock.now,
        emit,
        onClosed: (closed) => void sessions.delete(closed),
      })
      sessions.add(session)
      session.start()
    },
    onError: (error) => emit({ kind: 'catcher-failed', error: String(error) }),
  })
  look(clock.now())
  const timer = setInterval(() => look(clock.now()), aliveEveryMs).unref()
  return {
    address: listener.address,
    close: () => {
      clearInterval(timer)
      listener.close()
      look(null)
      for (const session of sessions) session.destroy()
    },
  }
}

/** A relay asks for many recipients on one connection, and some of them are none: that is no attack here. */
function rulesOf(hostname: string): SessionRules {
  return {
    hostname,
    isTlsOffered: false,
    isChunkingOffered: false,
    isPipeliningEnforced: false,
    maxMessageBytes,
    maxRecipientCount: 100,
    maxTransactionCount: 1000,
    maxErrorCount: 100,
    maxCommandCount: 1000,
    maxIdleCommandCount: 200,
    unknownRecipientDelayAfterCount: 1000,
    unknownRecipientDelayMs: 0,
    maxUnknownRecipientCount: 100,
  }
}
