// A mishap, and later the power fails: a sync that failed is worth nothing even if the next one works, and
// what a killed process has left unsynced is not durable because it is there at the next start.

import assert from 'node:assert/strict'
import { closeSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { assertNothingLost, cut, record, strace } from './support/cutting.ts'
import type { NameRule } from './support/disk.ts'
import { seededRandom } from './support/random.ts'
import type { HarmfulWrite } from './support/recording.ts'
import { skipWithout } from './support/strace-program.ts'

const isLong = process.env['PFORTE_TORTURE'] === '1'
const skip = skipWithout(strace)
const nameRules: readonly NameRule[] = isLong ? ['folder', 'folder-or-file'] : ['folder']

/** Numbers of a sync within its thread: the first ones make the spool, the last ones close it. */
const all: readonly number[] = Array.from({ length: 30 }, (_, place) => place + 1)

const forgotten = 'a sync fails, the kernel forgets what it should have written, the power fails'
describe(forgotten, { skip }, () => {
  // The second one is that of the way back.
  for (const count of [1, 2]) {
    for (const number of isLong ? all : [20]) {
      test(`sync ${number} of each thread, ${count} in a row`, async () => {
        const when = `${number}..${number + count - 1}`
        const expressions = [`inject=fsync,fdatasync:error=EIO:when=${when}`]
        const recording = await record({ planName: 'fewSteps', expressions })
        for (const names of nameRules) assertNothingLost(await cut(recording, { names }))
      })
    }
  }
})

describe('killed, started again, the power fails', { skip }, () => {
  for (const number of isLong ? all : [1, 15]) {
    test(`killed at sync ${number} of a thread`, async () => {
      const expressions = [`inject=fsync,fdatasync:signal=SIGKILL:when=${number}`]
      const recording = await record(
        { planName: 'fewSteps', expressions },
        { planName: 'afterwards' },
      )
      assert.equal(recording.last.exitCode, 0)
      for (const names of nameRules) assertNothingLost(await cut(recording, { names }))
    })
  }
})

/** Overwrites the root of an index: every row can be read, but nobody can go on with the file. */
function harmIndex(state: string): readonly HarmfulWrite[] {
  const place = 'spool/spool.db'
  const file = path.join(state, place)
  const database = new DatabaseSync(file, { readOnly: true })
  const root = database
    .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'recipient_due'")
    .get()?.['rootpage']
  const size = database.prepare('PRAGMA page_size').get()?.['page_size']
  database.close()
  const data = Buffer.alloc(Number(size), 0xa5)
  const offset = (Number(root) - 1) * Number(size)
  const descriptor = openSync(file, 'r+')
  writeSync(descriptor, data, 0, data.length, offset)
  closeSync(descriptor)
  return [{ path: place, offset, data }]
}

describe('the database is damaged, the power fails while it is salvaged', { skip }, () => {
  test('and nothing that can be read is lost', async (context) => {
    const recording = await record(
      { planName: 'fewSteps' },
      { planName: 'afterwards', harm: harmIndex },
    )
    const { operations } = recording
    const links = operations.filter(({ kind }) => kind === 'link')
    assert.ok(links.length > 0, 'it was not salvaged')
    for (const names of nameRules) {
      const random = seededRandom()
      const options = { random, maySalvage: true, variantCount: 1 }
      const isChancy = (moment: number): boolean => isLong || moment % 25 === 0
      const report = await cut(recording, { names }, { ...options, isChancy })
      context.diagnostic(
        `${report.momentCount} moments, ${report.imageCount} disks, seed ${random.seed}: ${report.faults.length} faults`,
      )
      assertNothingLost(report)
    }
  })
})
