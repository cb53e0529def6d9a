// The coordinator's side of the shared ledger.

import type { LedgerBook } from '#intake/intake.ts'
import type { LinkHandlers, LinkPeer } from '#link/link.ts'
import { calls, fromJson, message, news, nothing } from './calls.ts'

interface Keyed {
  readonly key: string
  readonly fingerprint: string
}

export interface LedgerService {
  readonly asked: LinkHandlers['asked']
  readonly told: LinkHandlers['told']
  readonly isEmpty: () => boolean
  /** Looks whether the book has become empty by itself: entries age. */
  readonly look: () => void
  /** A worker is gone: what it was handing over will not be told any more. */
  readonly onGone: (peer: LinkPeer) => void
}

/** `onChanged` is told whenever the book has become empty or stopped being so. */
export function serveLedger(
  book: LedgerBook,
  onChanged: (isEmpty: boolean) => void,
): LedgerService {
  let wasEmpty = book.isEmpty()
  const look = (): void => {
    const isEmpty = book.isEmpty()
    if (isEmpty === wasEmpty) return
    wasEmpty = isEmpty
    onChanged(isEmpty)
  }
  const waiting = new Map<LinkPeer, Map<number, (addresses: readonly string[]) => void>>()
  const waitFor = (peer: LinkPeer, number: number): Promise<readonly string[]> =>
    new Promise((resolve) => {
      const ofPeer = waiting.get(peer) ?? new Map<number, (addresses: readonly string[]) => void>()
      waiting.set(peer, ofPeer)
      ofPeer.set(number, resolve)
    })
  return {
    asked: {
      [calls.ledgerAlike]: async ({ value }) =>
        message(await book.hasAlike(fromJson<Keyed>(value).key)),
      [calls.ledgerExpect]: async ({ value }, peer) => {
        const { key, fingerprint, number } = fromJson<Keyed & { readonly number: number }>(value)
        await book.expect(key, Promise.resolve(fingerprint), waitFor(peer, number))
        look()
        return nothing
      },
      [calls.ledgerServed]: async ({ value }) => {
        const { key, fingerprint } = fromJson<Keyed>(value)
        return message(await book.served(key, fingerprint))
      },
      [calls.ledgerForget]: async ({ value }) => {
        const { key, fingerprint } = fromJson<Keyed>(value)
        await book.forget(key, fingerprint)
        look()
        return nothing
      },
    },
    told: {
      [news.ledgerSettled]: (value, peer) => {
        const { number, addresses } = fromJson<{
          readonly number: number
          readonly addresses: readonly string[]
        }>(value)
        waiting.get(peer)?.get(number)?.(addresses)
        waiting.get(peer)?.delete(number)
      },
    },
    isEmpty: () => book.isEmpty(),
    look,
    onGone: (peer) => {
      for (const resolve of waiting.get(peer)?.values() ?? []) resolve([])
      waiting.delete(peer)
    },
  }
}
