// What comes of connecting: nothing, a connection, or a server that has said who it is.

import type { ProbeTlsFacts } from '#net/probe-stream.ts'
import type { Excerpt } from '#compliance/transcript.ts'
import type { ProbeSession, Said, Secured } from './session.ts'

export type Opened =
  | {
      readonly kind: 'open'
      readonly session: ProbeSession
      readonly connectMs: number
      /** Our address, as the system chose it. */
      readonly localAddress: string
    }
  | {
      readonly kind: 'failed'
      /** `ECONNREFUSED`, `ETIMEDOUT`, ... */
      readonly code: string
      readonly detail: string
      readonly seen: Excerpt
    }

export interface Greeted {
  readonly session: ProbeSession
  /** The line that says from where the connection came about. */
  readonly connected: Excerpt
  /** Of a first contact: tries that failed before it. */
  readonly failedTries: readonly Excerpt[]
  readonly connectMs: number
  readonly localAddress: string
  readonly banner: Said
  /** Null when the banner was no 220. */
  readonly ehlo: Said | null
  /** Null: STARTTLS was not tried. */
  readonly tls: Secured | null
}

export type Contact =
  | { readonly kind: 'greeted'; readonly greeted: Greeted }
  | Extract<Opened, { kind: 'failed' }>

/** Certificates and version of a handshake that worked; null: none did. */
export function tlsFacts(secured: Secured | null): ProbeTlsFacts | null {
  return secured?.kind === 'secured' ? secured.facts : null
}

/** False when the signal ended it. */
export function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const done = (isWhole: boolean) => (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      resolve(isWhole)
    }
    const onAbort = done(false)
    const timer = setTimeout(done(true), ms)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
