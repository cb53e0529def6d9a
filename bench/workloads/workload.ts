// What is measured with every relay.

import type { Ability, Peer, RunningPeer } from '../peers/peer.ts'
import type { Job, LoadResult, MailPlan } from '../load/job.ts'
import type { Sink } from '../load/start-sink.ts'
import type { ProcessTree } from '../support/process-tree.ts'

export interface Column {
  /** Of the numbers `measure` gives. */
  readonly key: string
  /** With its unit. */
  readonly title: string
}

export interface Workload {
  /** For the command line. */
  readonly name: string
  readonly title: string
  /** A sentence or two: what is done, what the numbers are. */
  readonly text: string
  /** The first one is compared. */
  readonly columns: readonly [Column, ...Column[]]
  readonly needs: readonly Ability[]
  /** `light`: Postfix's, if it is there, because ours would be the limit. */
  readonly sink: 'light' | 'own'
  /** Absent: all that were found. The first one is what the others are compared with. */
  readonly peers?: readonly [Peer, ...Peer[]]
  readonly measure: (scene: Scene) => Promise<Readonly<Record<string, number>>>
}

/** A relay that has just been started, with all around it. */
export interface Scene {
  readonly peer: Peer
  readonly relay: RunningPeer
  readonly tree: ProcessTree
  readonly sink: Sink
  readonly domain: string
  /** How long a measurement should take, about. */
  readonly seconds: number
  /** Rejects when a mail was refused. */
  readonly send: (job: Job) => Promise<LoadResult>
}

/** Small mails to one known recipient, a command at a time, in clear, unless `changes` says otherwise. */
export function planFor({ relay, domain }: Scene, changes: Partial<MailPlan> = {}): MailPlan {
  return {
    port: relay.port,
    domain,
    recipients: 'known',
    recipientCount: 1,
    contentBytes: 4096,
    isPipelining: false,
    isTls: false,
    ...changes,
  }
}
