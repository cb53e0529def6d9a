// What workers and coordinator say to each other over the link: names, shapes, and how errors travel.

import type { Json, LinkMessage } from '#link/link.ts'
import type { NewEntry, SpoolError } from '#spool/spool.ts'

/** Questions of a worker to the coordinator, and of the coordinator to a worker. */
export const calls = {
  /** Of a worker: a NewEntry; the content's prefix as bytes. Answer: CommitAnswer. */
  commit: 'commit',
  /** Of a worker: the ledger's book. */
  ledgerAlike: 'ledger-alike',
  ledgerExpect: 'ledger-expect',
  ledgerServed: 'ledger-served',
  ledgerForget: 'ledger-forget',
  /** To a worker: the text of its metrics. */
  metrics: 'metrics',
  /** To a worker: ProcessStatus. To the coordinator, of a command: RelayStatus. */
  status: 'status',
} as const

/** News without an answer. */
export const news = {
  /** Both ways: TargetNews. */
  target: 'target',
  /** Of a worker: what became of a hand-over that was expected. */
  ledgerSettled: 'ledger-settled',
  /** To workers: whether the ledger is empty. */
  ledgerEmpty: 'ledger-empty',
  /** Of a worker: recipients that went to the hold while the client waited. */
  held: 'held',
} as const

export type CommitAnswer =
  | { readonly ok: true }
  | {
      readonly ok: false
      readonly kind: SpoolError['kind']
      readonly message: string
      readonly isUnclear: boolean
    }

/** An entry whose content travels apart from it. */
export type EntryHead = Omit<NewEntry, 'content'> & {
  readonly content: Omit<NewEntry['content'], 'prefix'>
}

/** Both ends are one program: what one has encoded the other may take for what it was. */
export function toJson(value: unknown): Json {
  return value as Json
}

export function fromJson<Value>(value: Json): Value {
  return value as unknown as Value
}

export function message(value: unknown, bytes: Buffer | null = null): LinkMessage {
  return { value: toJson(value), bytes }
}

export const nothing: LinkMessage = { value: null, bytes: null }

/** Of one process, for `pforte status`. */
export interface ProcessStatus {
  readonly name: string
  readonly pid: number
  readonly uptimeMs: number
  readonly residentBytes: number
  readonly cpuMs: number
  readonly sessionCount: number
  /** Since the start. */
  readonly mailCount: number
  readonly recipientCount: number
}
