// The spool for people's tools: SpoolTools on spool.db, without the relay's help.

import { rmSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { closeQuietly, spoolErrorOf } from './database.ts'
import { carryOut, countFor } from './give-order.ts'
import { findOwner } from './owner.ts'
import type { SpoolStats } from './spool.ts'
import type { OrderResult, SpoolTools } from './spool-tools.ts'
import { readStats } from './stats.ts'
import { openToolDatabase } from './tool-database.ts'
import { contentFile, contentIn, detailsOf, ordersOf, pageOf, reasonsOf } from './tool-queries.ts'

/** Entries read at once. */
const pageCount = 200

const noStats: SpoolStats = Object.freeze({
  entryCount: 0,
  sizeBytes: 0,
  waitingCount: 0,
  heldCount: 0,
  domains: [],
})

const nothing: OrderResult = Object.freeze({ entryCount: 0, recipientCount: 0 })

/** `folder` is the spool's; without a spool in it, it is an empty one. Throws a SpoolError. */
export function openSpoolTools({ folder }: { readonly folder: string }): SpoolTools {
  const database = openToolDatabase(folder)
  /** All that `work` reads is of one moment. */
  const read = <Value>(empty: Value, work: (database: DatabaseSync) => Value): Value => {
    if (database === null) return empty
    try {
      database.exec('BEGIN')
      try {
        return work(database)
      } finally {
        database.exec('COMMIT')
      }
    } catch (error) {
      throw spoolErrorOf(error, `cannot read the spool ${folder}`)
    }
  }
  return {
    stats: () => read(noStats, readStats),
    reasons: () => read([], reasonsOf),
    *entries(selection) {
      for (let afterNumber = 0; ;) {
        const position = { afterNumber, maxCount: pageCount }
        const page = read([], (each) => pageOf(each, selection, position))
        for (const { entry } of page) yield entry
        const last = page.at(-1)
        if (last === undefined || page.length < pageCount) return
        afterNumber = last.number
      }
    },
    entry: (id) => read(undefined, (each) => detailsOf(each, id)),
    content: (id) => read(null, (each) => contentIn(each, folder, id)),
    give: (order, selection, audit) => {
      if (audit.dryRun) return read(nothing, (each) => countFor(each, order, selection))
      if (database === null) return nothing
      try {
        const { orphans, ...result } = carryOut(database, order, selection, audit)
        for (const id of orphans) removeContent(contentFile(folder, id))
        return result
      } catch (error) {
        throw spoolErrorOf(error, `nothing was changed in the spool ${folder}`)
      }
    },
    orders: (limit, id) => read([], (each) => ordersOf(each, limit, id)),
    owner: () => findOwner(folder),
    close: () => closeQuietly(database ?? undefined),
  }
}

/** Only a matter of room: the relay removes a file without an entry when it starts. */
function removeContent(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // The order has been carried out, whatever becomes of the file.
  }
}
