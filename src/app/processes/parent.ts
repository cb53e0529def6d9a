// A child's side of the channel to the supervisor: orders come in, "ready" goes out. When the supervisor is
// gone, the child finishes what it has and ends too.

import type { Config } from '#config/config.ts'
import type { KeptCounters } from './departed-counters.ts'

/** What the supervisor says to a child. */
export type SupervisorMessage =
  | {
      readonly kind: 'begin'
      /** In force; a child does not read the file, which may be half written when it is started again. */
      readonly config: Config
      /** Of a worker: which of how many; 0 of 1 for the coordinator. */
      readonly index: number
      readonly count: number
      /** Ports as bound; their sockets are the descriptors from `firstDescriptor` on. */
      readonly ports: readonly { readonly address: string; readonly port: number }[]
      /** 48 bytes in base64. */
      readonly ticketKeys: string
      /** Of the coordinator before. */
      readonly counters: KeptCounters | null
    }
  | { readonly kind: 'ticket-keys'; readonly ticketKeys: string }
  /** Open the log file anew, read certificates again, try a stopped spool again. */
  | { readonly kind: 'reopen' }
  /** The whole relay is about to end. */
  | { readonly kind: 'draining' }
  /** Finish what is in progress, then end. `isReplaced`: another one does its work already. */
  | { readonly kind: 'stop'; readonly isReplaced: boolean }

export type ChildMessage =
  | { readonly kind: 'ready' }
  /** Of a coordinator that ends, for the next one. */
  | { readonly kind: 'counters'; readonly counters: KeptCounters }

/** Behind standard input, output, error and the channel. */
export const firstDescriptor = 4

/** `alone`: the supervisor is gone. */
export type StopReason = 'replaced' | 'ended' | 'alone'

export interface Orders {
  readonly ticketKeys?: (keys: Buffer) => void
  readonly reopen?: () => void
  readonly draining?: () => void
}

export interface Parent {
  readonly begin: Extract<SupervisorMessage, { readonly kind: 'begin' }>
  /** Takes orders from now on; earlier ones are lost. May be called several times. */
  readonly take: (orders: Orders) => void
  /** Resolves when this process is to end. */
  readonly stopped: Promise<StopReason>
  readonly ready: () => void
  /** Resolves when they have left. */
  readonly keepCounters: (counters: KeptCounters) => Promise<void>
}

/** Rejects when there is no supervisor. */
export function connectParent(): Promise<Parent> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<StopReason>()
  const takers: Orders[] = []
  const say = (message: ChildMessage): Promise<void> =>
    new Promise((resolve) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => resolve())
      else resolve()
    })
  return new Promise((resolve, reject) => {
    if (!process.connected) {
      reject(new Error('this is a part of the relay: start it with pforte serve'))
      return
    }
    process.on('message', (message: SupervisorMessage) => {
      switch (message.kind) {
        case 'begin':
          resolve({
            begin: message,
            take: (orders) => void takers.push(orders),
            stopped,
            ready: () => void say({ kind: 'ready' }),
            keepCounters: (counters) => say({ kind: 'counters', counters }),
          })
          return
        case 'ticket-keys':
          for (const taker of takers) taker.ticketKeys?.(Buffer.from(message.ticketKeys, 'base64'))
          return
        case 'reopen':
          for (const taker of takers) taker.reopen?.()
          return
        case 'draining':
          for (const taker of takers) taker.draining?.()
          return
        case 'stop':
          stop(message.isReplaced ? 'replaced' : 'ended')
      }
    })
    process.on('disconnect', () => {
      stop('alone')
      reject(new Error('the supervisor ended'))
    })
  })
}
