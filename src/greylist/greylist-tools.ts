// What people look up in the greylist, and decide about it: on the file itself, with or without a relay beside,
// which reads it at the next mail. Everything here throws when SQLite does.

import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { isThere } from '#base/is-there.ts'
import type { Attempt } from './greylist.ts'
import { greylistFileName, prepared, tripleFrom } from './greylist-database.ts'
import type { RememberedNetwork, RememberedTriple } from './judge-attempt.ts'
import { networkText, tripleOf, type TripleKey } from './triple.ts'

export interface GreylistStats {
  readonly waitingCount: number
  readonly passedCount: number
  readonly networkCount: number
}

export interface ListedTriple extends RememberedTriple {
  /** What is kept of it: 32 hexadecimal digits of a hash. */
  readonly key: string
}

export interface ListedNetwork extends RememberedNetwork {
  /** As `networkText`. */
  readonly network: string
}

export interface GreylistTools extends Disposable {
  readonly stats: () => GreylistStats
  /** Seen last comes first. */
  readonly triples: (which: 'waiting' | 'passed', maxCount: number) => readonly ListedTriple[]
  readonly networks: (maxCount: number) => readonly ListedNetwork[]
  readonly findTriple: (attempt: Attempt) => RememberedTriple | undefined
  readonly findNetwork: (clientAddress: string) => RememberedNetwork | undefined
  /** False: nothing was known. */
  readonly forgetTriple: (attempt: Attempt) => boolean
  /** How often its triples have passed. These are kept: only their hashes are known. */
  readonly forgetNetwork: (clientAddress: string) => boolean
  /** As if it had passed now. */
  readonly allowTriple: (attempt: Attempt, nowMs: number) => void
  /** As if at least `passedCount` of its triples had passed, the last one now. */
  readonly allowNetwork: (clientAddress: string, passedCount: number, nowMs: number) => void
}

/** A person waits longer for a busy relay than a mail does. */
const busyTimeoutMs = 5000

/** Null: there is no file yet. */
export function openGreylistTools(folder: string): GreylistTools | null {
  const path = join(folder, greylistFileName)
  if (!isThere(path)) return null
  return prepared(path, busyTimeoutMs, toolsOn)
}

function toolsOn(database: DatabaseSync): GreylistTools {
  return {
    ...readersOn(database),
    ...writersOn(database),
    [Symbol.dispose]: () => database.close(),
  }
}

type Readers = 'stats' | 'triples' | 'networks' | 'findTriple' | 'findNetwork'

function readersOn(database: DatabaseSync): Pick<GreylistTools, Readers> {
  const count = database.prepare(`SELECT
    (SELECT count(*) FROM triples WHERE passed_at_ms IS NULL) AS waiting,
    (SELECT count(*) FROM triples WHERE passed_at_ms IS NOT NULL) AS passed,
    (SELECT count(*) FROM networks) AS networks`)
  const lists = {
    waiting: database.prepare(`SELECT * FROM triples WHERE passed_at_ms IS NULL
      ORDER BY seen_at_ms DESC LIMIT ?`),
    passed: database.prepare(`SELECT * FROM triples WHERE passed_at_ms IS NOT NULL
      ORDER BY seen_at_ms DESC LIMIT ?`),
  }
  const networks = database.prepare('SELECT * FROM networks ORDER BY seen_at_ms DESC LIMIT ?')
  const triple = database.prepare('SELECT * FROM triples WHERE key = ?')
  const network = database.prepare('SELECT * FROM networks WHERE network = ?')
  return {
    stats: () => {
      const row = count.get()
      return {
        waitingCount: Number(row?.['waiting']),
        passedCount: Number(row?.['passed']),
        networkCount: Number(row?.['networks']),
      }
    },
    triples: (which, maxCount) =>
      lists[which].all(maxCount).map((row) => ({ ...tripleFrom(row), key: keyText(row['key']) })),
    networks: (maxCount) =>
      networks.all(maxCount).map((row) => ({
        ...networkFrom(row),
        network: String(row['network']),
      })),
    findTriple: (attempt) => {
      const row = triple.get(tripleOf(attempt).key)
      return row === undefined ? undefined : tripleFrom(row)
    },
    findNetwork: (clientAddress) => {
      const row = network.get(networkText(clientAddress))
      return row === undefined ? undefined : networkFrom(row)
    },
  }
}

function writersOn(database: DatabaseSync): Omit<GreylistTools, Readers | typeof Symbol.dispose> {
  const dropTriple = database.prepare('DELETE FROM triples WHERE key = ?')
  const dropNetwork = database.prepare('DELETE FROM networks WHERE network = ?')
  const allowTriple = database.prepare(`
    INSERT INTO triples VALUES ($key, $now, $now, $now) ON CONFLICT (key) DO UPDATE SET
      passed_at_ms = coalesce(passed_at_ms, $now), seen_at_ms = max(seen_at_ms, $now)`)
  const allowNetwork = database.prepare(`
    INSERT INTO networks VALUES ($network, $count, $now) ON CONFLICT (network) DO UPDATE SET
      passed_count = max(passed_count, $count), seen_at_ms = max(seen_at_ms, $now)`)
  return {
    forgetTriple: (attempt) => dropTriple.run(tripleOf(attempt).key).changes > 0,
    forgetNetwork: (clientAddress) => dropNetwork.run(networkText(clientAddress)).changes > 0,
    allowTriple: (attempt, nowMs) => {
      allowTriple.run({ $key: tripleOf(attempt).key, $now: nowMs })
    },
    allowNetwork: (clientAddress, passedCount, nowMs) => {
      const network = networkText(clientAddress)
      allowNetwork.run({ $network: network, $count: passedCount, $now: nowMs })
    },
  }
}

function networkFrom(row: Readonly<Record<string, unknown>>): RememberedNetwork {
  return { passedCount: Number(row['passed_count']), seenAtMs: Number(row['seen_at_ms']) }
}

function keyText(key: unknown): string {
  return key instanceof Uint8Array ? Buffer.from(key satisfies TripleKey).toString('hex') : ''
}
