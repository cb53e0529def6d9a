// The power fails at any moment: all that was answered with yes is there afterwards. A run of the spool is
// recorded call by call, the disk is rebuilt as it may be after each of them, and the spool opens it.

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { assertNothingLost, cut, record, strace } from './support/cutting.ts'
import type { DiskOptions, NameRule } from './support/disk.ts'
import { seededRandom } from './support/random.ts'
import type { Recording } from './support/recording.ts'
import { numbered } from './support/spool-plan.ts'
import { skipWithout } from './support/strace-program.ts'
import { wordsOf } from './support/words.ts'

const isLong = process.env['PFORTE_TORTURE'] === '1'
const skip = skipWithout(strace)
const nameRules: readonly NameRule[] = ['folder', 'folder-or-file']

describe('the power fails after each operation', { skip }, () => {
  let recording: Recording
  before(async () => {
    recording = await record({ planName: 'everyWay' })
    const { operations, plan } = recording
    const words = operations.flatMap((each) => (each.kind === 'said' ? wordsOf(each.text) : []))
    const doneCount = words.filter(({ kind }) => kind === 'done').length
    assert.equal(doneCount, numbered(plan).filter(({ kind }) => kind !== 'reopen').length)
  })

  for (const names of nameRules) {
    test(`and nothing is lost; a name is durable with its ${names}`, async (context) => {
      const random = seededRandom()
      const report = await cut(
        recording,
        { names },
        {
          random,
          // Each moment with nothing of what was not synced, and some (or all) with parts of it.
          variantCount: isLong ? 12 : 1,
          isChancy: (moment) => isLong || moment % 12 === (names === 'folder' ? 0 : 6),
        },
      )
      context.diagnostic(
        `${report.momentCount} moments, ${report.imageCount} disks, seed ${random.seed}: ${report.faults.length} faults`,
      )
      assert.equal(report.momentCount, recording.operations.length + 1)
      assertNothingLost(report)
    })
  }

  // Each kind of sync is there for something: a disk that ignores it loses what somebody was promised.
  const needed: readonly (readonly [name: string, path: RegExp])[] = [
    ['the write-ahead log', /^spool\/spool\.db-wal$/],
    ['the database, at a checkpoint', /^spool\/spool\.db$/],
    ['a content file', /^spool\/incoming\/./],
    ['the folder of content files', /^spool\/content$/],
    ['the folder of the spool', /^spool$/],
    ['the folder above it', /^$/],
  ]
  for (const [name, ignored] of needed) {
    test(`a missing sync is found: ${name}`, async () => {
      const { operations } = recording
      const syncs = operations.filter((each) => each.kind === 'sync' && ignored.test(each.path))
      assert.ok(syncs.length > 0, 'there is no such sync')
      const isIgnored: DiskOptions['isIgnored'] = (sync) => ignored.test(sync.path)
      const disk: DiskOptions = { names: 'folder', isIgnored }
      const { faults } = await cut(recording, disk, { isFirstEnough: true })
      assert.ok(faults.length > 0, 'nothing is lost without it')
    })
  }

  if (isLong) {
    test('also while the log is brought into the database at work', async (context) => {
      const haul = await record({ planName: 'longHaul' })
      const checkpoints = haul.operations.filter(
        (each) => each.kind === 'sync' && each.path === 'spool/spool.db',
      )
      assert.ok(checkpoints.length > 3, 'no checkpoint while at work')
      const random = seededRandom()
      const isChancy = (moment: number): boolean => moment % 40 === 0
      const report = await cut(haul, { names: 'folder' }, { random, variantCount: 1, isChancy })
      context.diagnostic(
        `${report.momentCount} moments, ${report.imageCount} disks, seed ${random.seed}: ${report.faults.length} faults`,
      )
      assertNothingLost(report)
    })
  }
})
