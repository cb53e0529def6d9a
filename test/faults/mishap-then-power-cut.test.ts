// A mishap, and later the power fails: a sync that failed is worth nothing even if the next one works, and
// what a killed process has left unsynced is not durable because it is there at the next start.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assertNothingLost, cut, record, strace } from './support/cutting.ts'
import type { NameRule } from './support/disk.ts'
import { skipWithout } from './support/strace-program.ts'

const isLong = process.env['PFORTE_TORTURE'] === '1'
const skip = skipWithout(strace)
const nameRules: readonly NameRule[] = isLong ? ['folder', 'folder-or-file'] : ['folder']

/** Numbers of a sync within its thread: the first ones make the spool, the last ones close it. */
const all: readonly number[] = Array.from({ length: 30 }, (_, place) => place + 1)

describe(
  'a sync fails, the kernel forgets what it should have written, the power fails',
  {
    skip,
  },
  () => {
    for (const number of isLong ? all : [12]) {
      test(`sync ${number} of each thread`, async () => {
        const expressions = [`inject=fsync,fdatasync:error=EIO:when=${number}`]
        const recording = await record({ planName: 'fewSteps', expressions })
        for (const names of nameRules) assertNothingLost(await cut(recording, { names }))
      })
    }
  },
)

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
