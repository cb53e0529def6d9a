// What a test makes a spool do, and what must be found afterwards. Everything follows from names and
// numbers, so that the process that does it and the one that judges it need not talk.

import { Buffer } from 'node:buffer'
import type { HoldReason, RecipientFate } from '#spool/spool.ts'

export interface PlannedEntry {
  /** Its recipients are of the domain `<id>.example` if no other is named. */
  readonly id: string
  readonly domain: string
  /** Local parts. */
  readonly recipients: readonly string[]
  readonly prefixBytes: number
  /** Null: no file. */
  readonly fileBytes: number | null
}

export type PlannedFate = RecipientFate | { readonly kind: 'relayed' }

/** One thing that is done or not done as a whole. */
export type PlannedOperation =
  | { readonly kind: 'commit'; readonly entry: PlannedEntry }
  | {
      readonly kind: 'settle'
      readonly id: string
      readonly domain: string
      /** For each local part. */
      readonly fates: Readonly<Record<string, PlannedFate>>
    }
  | { readonly kind: 'hold'; readonly domain: string; readonly reason: HoldReason }
  | { readonly kind: 'hurry'; readonly domain: string }
  /** Close and open again. */
  | { readonly kind: 'reopen' }

/** Steps one after the other; the operations of a step at the same time. */
export type SpoolPlan = readonly (readonly PlannedOperation[])[]

/** All clocks of a plan stand here. */
export const planNowMs = 1_700_000_000_000
export const firstAttemptMs: number = planNowMs + 60_000
const fileOffset = 100

export function entryOf(
  id: string,
  options: {
    readonly domain?: string
    readonly recipients?: readonly string[]
    readonly prefixBytes?: number
    readonly fileBytes?: number
  } = {},
): PlannedEntry {
  const { domain = `${id}.example`, recipients = ['anna'], prefixBytes = 400 } = options
  return { id, domain, recipients, prefixBytes, fileBytes: options.fileBytes ?? null }
}

function commit(...options: Parameters<typeof entryOf>): PlannedOperation {
  return { kind: 'commit', entry: entryOf(...options) }
}

function settle(id: string, fates: Readonly<Record<string, PlannedFate>>): PlannedOperation {
  return { kind: 'settle', id, domain: `${id}.example`, fates }
}

const relayed: PlannedFate = { kind: 'relayed' }
const refused: PlannedFate = { kind: 'held', reason: 'refused', sinceMs: planNowMs }
const later: PlannedFate = { kind: 'waiting', nextAttemptMs: planNowMs + 300_000 }

/** Each way through the spool, once: small and large, alone and together, all fates, closed and opened. */
export const everyWay: SpoolPlan = [
  [commit('small')],
  [commit('wide', { prefixBytes: 40_000 })],
  [commit('filed', { fileBytes: 90_000 })],
  [
    commit('group-1', { recipients: ['anna', 'bert'] }),
    commit('group-2', { fileBytes: 20_000 }),
    commit('group-3', { domain: 'shared.example' }),
    commit('group-4', { domain: 'shared.example' }),
  ],
  [settle('small', { anna: relayed })],
  [settle('wide', { anna: later }), settle('filed', { anna: relayed })],
  [settle('group-1', { anna: relayed, bert: refused })],
  [{ kind: 'hurry', domain: 'wide.example' }],
  [{ kind: 'hold', domain: 'shared.example', reason: 'not-served' }],
  [{ kind: 'reopen' }],
  [commit('again', { recipients: ['anna', 'bert', 'carl'] })],
  [commit('filed-again', { fileBytes: 10_000 }), settle('group-2', { anna: relayed })],
  [settle('again', { anna: later, bert: relayed, carl: refused })],
]

/** Few steps, each kind of them: for runs that are repeated for every call that may fail. */
export const fewSteps: SpoolPlan = [
  [commit('before')],
  [commit('small')],
  [commit('filed', { fileBytes: 20_000 })],
  [commit('pair-1'), commit('pair-2', { fileBytes: 5000 })],
  [settle('small', { anna: relayed })],
  [settle('filed', { anna: relayed })],
  [{ kind: 'hold', domain: 'pair-1.example', reason: 'expired' }],
  [commit('after')],
  [commit('last')],
]

/** What comes after a crash of another plan. */
export const afterwards: SpoolPlan = [
  [commit('next-1'), commit('next-2', { fileBytes: 5000 })],
  [settle('next-1', { anna: relayed })],
  [commit('next-3')],
]

/** So much that the log is brought into the database while the spool is at work. */
export const longHaul: SpoolPlan = Array.from({ length: 30 }, (_, round) => [
  ...Array.from({ length: 40 }, (_none, place) =>
    commit(`haul-${round}-${place}`, { prefixBytes: 200 + 37 * ((round * 40 + place) % 97) }),
  ),
  ...(round === 0
    ? []
    : Array.from({ length: 20 }, (_none, place) =>
        settle(`haul-${round - 1}-${place}`, { anna: place % 3 === 0 ? later : relayed }),
      )),
])

export const plans: Readonly<Record<string, SpoolPlan>> = {
  everyWay,
  fewSteps,
  afterwards,
  longHaul,
}

/** In the order of their numbers, which is what is said of them. */
export function numbered(plan: SpoolPlan): readonly PlannedOperation[] {
  return plan.flat()
}

/** The content of an entry; `inFile` is the whole file, whose first bytes do not belong to it. */
export function contentOf(entry: PlannedEntry): {
  readonly prefix: Buffer
  readonly inFile: Buffer | null
  readonly whole: Buffer
} {
  const { id, prefixBytes, fileBytes } = entry
  const prefix = Buffer.alloc(prefixBytes, `Subject: ${id}\r\n\r\n`)
  if (fileBytes === null) return { prefix, inFile: null, whole: prefix }
  const inFile = Buffer.alloc(fileOffset + fileBytes, `${id} ${'-'.repeat(id.length)}\r\n`)
  return { prefix, inFile, whole: Buffer.concat([prefix, inFile.subarray(fileOffset)]) }
}

export const contentOffset: number = fileOffset

export function addressOf(local: string, domain: string): string {
  return `${local}@${domain}`
}
