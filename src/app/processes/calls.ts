// What workers and coordinator say to each other over the link: names, shapes, and how errors travel.

import type { Json, LinkMessage } from '#link/link.ts'
import type { TargetNews } from '#nexthop/nexthop.ts'
import type { PforteEvent } from '#telemetry/telemetry.ts'
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
  /** Of a worker: LoanRequest. Answer: whether it may open a connection. */
  borrowConnection: 'borrow-connection',
  /** To a worker: the text of its metrics. */
  metrics: 'metrics',
  /** To a worker: ProcessReport. To the coordinator, or the only process, of a command: RelayStatus. */
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
  /** Both ways: what clients have guessed; a list of GuessCount. */
  guesses: 'guesses',
  /** Of a worker: how many sessions it has. To a worker: how many the others have. */
  sessions: 'sessions',
  sessionsElsewhere: 'sessions-elsewhere',
  /** Of a worker: recipients that went to the hold while the client waited. */
  held: 'held',
  /** Of a worker: SeenLate; a server has refused what it had accepted. */
  lateRefusal: 'late-refusal',
  /** Of a worker: ClientCount[] of its busy clients; to a worker: those of all others together. */
  clients: 'clients',
  /** Of a worker: a connection that was lent is gone; its Route.id. All that it has: LoanCount[]. */
  connectionGivenBack: 'connection-given-back',
  connectionsLent: 'connections-lent',
  /** To workers: Wanted; another process waits for a connection. */
  connectionWanted: 'connection-wanted',
  /** Of a worker that ends: its last exposition. */
  farewell: 'farewell',
  /** Of the supervisor: a worker has ended, and left what it had; its name on the link. */
  gone: 'gone',
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

/** News of a target as the event that whoever found it out has emitted. */
export function targetEvent({ route, isDown, cause }: TargetNews): PforteEvent {
  return isDown && cause !== null
    ? { kind: 'next-hop-down', route: route.id, cause }
    : { kind: 'next-hop-up', route: route.id, downForMs: 0 }
}

/** A worker's name on the link: `worker-1.4711`. */
export function workerName(index: number, pid: number): string {
  return `worker-${index + 1}.${pid}`
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
