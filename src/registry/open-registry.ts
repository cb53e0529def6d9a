// The registry on node:sqlite: everything in memory for `find`, one durable file behind it, and a look
// at the file's data_version a few times a second to follow what other processes change.

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '#base/clock.ts'
import { cleanLine } from '#base/text.ts'
import { damaged, messageOf, openErrorOf, RegistryWriteError, writeErrorOf } from './errors.ts'
import { migrate, migrations } from './migrations.ts'
import { createPrivately } from '#base/private-file.ts'
import type { Registry, RegistryChange, RegistryEvent, ServedDomain } from './registry.ts'
import { parseRow, toRow } from './rows.ts'
import { standInFor } from './unreadable.ts'

export interface RegistryOptions {
  /** Holds registry.db; made with mode 0700 when it is not there. */
  readonly folder: string
  readonly clock: Clock
  readonly emit: (event: RegistryEvent) => void
  /** How often other processes' changes are looked for. Default 250. */
  readonly pollMs?: number
}

/** Commands hold the write lock for milliseconds; whoever waits this long has another problem. */
const lockWaitMs = 5000

/**
 * Opens, and if need be creates and migrates, the registry. Throws RegistryOpenError with a message
 * for the operator: file damaged, of a newer version, of something else, or not accessible.
 */
export function openRegistry(options: RegistryOptions): Registry {
  const path = join(options.folder, 'registry.db')
  let database: DatabaseSync | undefined
  try {
    createPrivately(options.folder, path)
    database = new DatabaseSync(path, { timeout: lockWaitMs })
    database.exec('PRAGMA synchronous = FULL')
    migrate(database, migrations, path, options.clock.now()) // refuses what is not ours, so first
    database.exec('PRAGMA journal_mode = WAL')
    refuseDamaged(database, path)
    return new SqliteRegistry(database, options)
  } catch (error) {
    database?.close()
    throw openErrorOf(error, path)
  }
}

/** The file is small: reading all of it costs a millisecond and finds what single queries pass by. */
function refuseDamaged(database: DatabaseSync, path: string): void {
  const answer = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
  if (answer !== 'ok') throw damaged(path, String(answer))
}

class SqliteRegistry implements Registry {
  readonly #database: DatabaseSync
  readonly #clock: Clock
  readonly #emit: (event: RegistryEvent) => void
  readonly #timer: NodeJS.Timeout
  #domains: ReadonlyMap<string, ServedDomain> = new Map()
  #dataVersion: unknown
  /** Said once, not four times a second; forgotten as soon as it is gone. */
  #reported: ReadonlySet<string> = new Set()

  constructor(database: DatabaseSync, { clock, emit, pollMs = 250 }: RegistryOptions) {
    this.#database = database
    this.#clock = clock
    this.#emit = emit
    this.#dataVersion = this.#readDataVersion()
    this.#domains = this.#readAll()
    this.#timer = setInterval(() => this.#follow(), pollMs).unref()
  }

  find(domain: string): ServedDomain | undefined {
    return this.#domains.get(domain)
  }

  list(): readonly ServedDomain[] {
    return [...this.#domains.values()].sort((a, b) => (a.domain < b.domain ? -1 : 1))
  }

  put(domain: ServedDomain): void {
    this.apply([{ kind: 'put', domain }])
  }

  remove(domain: string): boolean {
    return this.#write([{ kind: 'remove', domain }]) > 0
  }

  apply(changes: readonly RegistryChange[]): void {
    this.#write(changes)
  }

  close(): void {
    clearInterval(this.#timer)
    if (this.#database.isOpen) this.#database.close()
  }

  /** Returns how many rows were written or removed. */
  #write(changes: readonly RegistryChange[]): number {
    if (!this.#database.isOpen) throw new RegistryWriteError('closed', 'the registry is closed')
    if (changes.length === 0) return 0
    let count: number
    try {
      count = this.#commit(changes)
    } catch (error) {
      this.#rollBack()
      throw writeErrorOf(error)
    }
    const next = new Map(this.#domains)
    for (const change of changes) {
      if (change.kind === 'put') next.set(change.domain.domain, change.domain)
      else next.delete(change.domain)
    }
    this.#become(next)
    return count
  }

  #commit(changes: readonly RegistryChange[]): number {
    const put = this.#database.prepare(
      'INSERT OR REPLACE INTO served_domain VALUES (?, ?, ?, ?, ?, ?)',
    )
    const remove = this.#database.prepare('DELETE FROM served_domain WHERE domain = ?')
    let count = 0
    this.#database.exec('BEGIN IMMEDIATE')
    for (const change of changes) {
      const result =
        change.kind === 'put' ? put.run(...toRow(change.domain)) : remove.run(change.domain)
      count += Number(result.changes)
    }
    this.#database.exec('COMMIT')
    return count
  }

  /** After an I/O error SQLite may refuse this too; the first error is the one that matters. */
  #rollBack(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    } catch {
      // The next BEGIN fails with the reason, as a RegistryWriteError.
    }
  }

  /** Own commits do not change data_version, those of every other connection do. */
  #follow(): void {
    try {
      const version = this.#readDataVersion()
      if (version === this.#dataVersion) return
      const domains = this.#readAll()
      this.#dataVersion = version // only now: after a failure the next look reads again
      this.#become(domains)
    } catch (error) {
      this.#report(new Set([messageOf(error)]))
    }
  }

  #readDataVersion(): unknown {
    return this.#database.prepare('PRAGMA data_version').get()?.['data_version']
  }

  /** A row that cannot be read keeps the last state it had. */
  #readAll(): ReadonlyMap<string, ServedDomain> {
    const domains = new Map<string, ServedDomain>()
    const problems = new Set<string>()
    for (const row of this.#database.prepare('SELECT * FROM served_domain').all()) {
      const served = parseRow(row)
      if (served.ok) {
        domains.set(served.value.domain, served.value)
        continue
      }
      const name = String(row['domain'])
      problems.add(`${name}: ${served.problem}`)
      const kept = this.#domains.get(name) ?? standInFor(name, served.problem, this.#clock.now())
      if (kept !== undefined) domains.set(name, kept)
    }
    this.#report(problems)
    return domains
  }

  #report(problems: ReadonlySet<string>): void {
    const before = this.#reported
    this.#reported = problems
    for (const problem of problems) {
      if (before.has(problem)) continue
      this.#emit({ kind: 'registry-unreadable', error: cleanLine(problem, 500) })
    }
  }

  #become(next: ReadonlyMap<string, ServedDomain>): void {
    const before = this.#domains
    this.#domains = next
    const names = [...new Set([...before.keys(), ...next.keys()])].sort()
    const domains = names.filter((name) => !isDeepStrictEqual(before.get(name), next.get(name)))
    if (domains.length > 0) this.#emit({ kind: 'registry-changed', domains })
  }
}
