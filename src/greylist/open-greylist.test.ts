import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import type { Attempt, Greylist, GreylistEvent, GreylistRules } from './greylist.ts'
import { openGreylistDatabase } from './greylist-database.ts'
import { openGreylist } from './open-greylist.ts'

const minute = 60_000
const rules: GreylistRules = {
  delayMs: 5 * minute,
  retryWindowMs: 2 * 1440 * minute,
  memoryMs: 36 * 1440 * minute,
  allowAfterCount: 3,
  maxEntryCount: 1000,
}

/** One hand for all greylists of a test. */
const hand = { ms: 1_800_000_000_000 }
const clock = { now: () => hand.ms, monotonicMs: () => hand.ms }

function open(folder: string | null, events: GreylistEvent[] = []): Greylist {
  return openGreylist({ folder, clock, rules: () => rules, emit: (event) => events.push(event) })
}

function attempt(number: number, third = 2): Attempt {
  return {
    clientAddress: `192.0.${third}.7`,
    sender: 'alice@sender.example',
    // Digits would not tell senders apart, so the recipient does.
    recipient: `r${number}@inst.example`,
  }
}

async function withTemporaryFolder(work: (folder: string) => void | Promise<void>): Promise<void> {
  await using folder = await temporaryFolder()
  await work(folder.path)
}

test('what has passed is known after a restart, and what waits goes on waiting', async () => {
  await withTemporaryFolder((folder) => {
    const first = open(folder)
    assert.equal(first.judge(attempt(1), rules).kind, 'wait')
    hand.ms += 5 * minute
    assert.equal(first.judge(attempt(1), rules).kind, 'passed')
    assert.equal(first.judge(attempt(2), rules).kind, 'wait')
    first.close()
    hand.ms += minute
    const second = open(folder)
    assert.equal(second.judge(attempt(1), rules).kind, 'known')
    assert.deepEqual(second.judge(attempt(2), rules), { kind: 'wait', waitMs: 4 * minute })
    second.close()
  })
})

test('another process knows within a second', async () => {
  await withTemporaryFolder(async (folder) => {
    const [one, other] = [open(folder), open(folder)]
    one.judge(attempt(1), rules)
    await sleep(900)
    hand.ms += 5 * minute
    assert.equal(other.judge(attempt(1), rules).kind, 'passed')
    await sleep(900)
    assert.equal(one.judge(attempt(1), rules).kind, 'known')
    one.close()
    other.close()
  })
})

test('a network is known when enough of it have passed, through whatever process', async () => {
  await withTemporaryFolder(async (folder) => {
    const [one, other] = [open(folder), open(folder)]
    for (const number of [1, 2, 3]) one.judge(attempt(number), rules)
    await sleep(900)
    hand.ms += 5 * minute
    one.judge(attempt(1), rules)
    other.judge(attempt(2), rules)
    assert.equal(other.judge(attempt(4), rules).kind, 'wait') // one of two at most is known of here
    one.judge(attempt(3), rules)
    await sleep(900)
    for (const greylist of [one, other]) {
      assert.equal(greylist.judge(attempt(5), rules).kind, 'network-known')
      assert.equal(greylist.judge(attempt(5, 3), rules).kind, 'wait')
    }
    one.close()
    other.close()
  })
})

test('looking notes nothing', () => {
  const greylist = open(null)
  assert.equal(greylist.peek(attempt(1), rules).kind, 'wait')
  hand.ms += 5 * minute
  assert.equal(greylist.judge(attempt(1), rules).kind, 'wait')
  greylist.close()
})

test('a store that cannot be used lets everything pass, and says so once', async () => {
  await withTemporaryFolder((folder) => {
    writeFileSync(path.join(folder, 'greylist.db'), 'this is no database, '.repeat(100))
    const events: GreylistEvent[] = []
    const greylist = open(folder, events)
    for (const number of [1, 2, 3]) {
      assert.equal(greylist.judge(attempt(number), rules).kind, 'unavailable')
    }
    greylist.close()
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['greylist-failed'],
    )
  })
})

test('without its file everybody waits once more', async () => {
  await withTemporaryFolder((folder) => {
    const first = open(folder)
    first.judge(attempt(1), rules)
    hand.ms += 5 * minute
    assert.equal(first.judge(attempt(1), rules).kind, 'passed')
    first.close()
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(path.join(folder, `greylist.db${suffix}`), { force: true })
    }
    const second = open(folder)
    assert.equal(second.judge(attempt(1), rules).kind, 'wait')
    second.close()
  })
})

test('one network cannot fill the memory of others', () => {
  const greylist = open(null)
  for (let number = 0; number < 1500; number += 1) greylist.judge(attempt(number), rules)
  greylist.judge(attempt(1, 3), rules)
  hand.ms += 5 * minute
  // The first thousand are remembered, the others come again; the neighbour is not concerned.
  assert.equal(greylist.peek(attempt(999), rules).kind, 'passed')
  assert.equal(greylist.peek(attempt(1000), rules).kind, 'wait')
  assert.equal(greylist.peek(attempt(1, 3), rules).kind, 'passed')
  greylist.close()
})

test('too many: who waits goes before who has passed, the oldest first', () => {
  const database = openGreylistDatabase(null)
  const row = (number: number, passedAtMs: number | null) => ({
    key: Uint8Array.of(number),
    firstAtMs: number,
    passedAtMs,
    seenAtMs: number,
    isNew: true,
  })
  database.write([row(1, 1), row(2, 2), row(3, null), row(4, null)], [], 0)
  const purge = (maxEntryCount: number): string => {
    database.purge({ waitingBeforeMs: 0, passedBeforeMs: 0, maxEntryCount })
    const isThere = (number: number): boolean =>
      database.findTriple(Uint8Array.of(number)) !== undefined
    return [1, 2, 3, 4].filter(isThere).join('')
  }
  assert.equal(purge(4), '1234')
  assert.equal(purge(3), '124')
  assert.equal(purge(2), '12')
  assert.equal(purge(1), '2')
  database.close()
})

test('what two processes write of one triple is put together', () => {
  const database = openGreylistDatabase(null)
  const key = Uint8Array.of(1)
  const write = (firstAtMs: number, passedAtMs: number | null, isNew = false): void =>
    database.write([{ key, firstAtMs, passedAtMs, seenAtMs: firstAtMs, isNew }], [], 0)
  write(10, null, true)
  write(10, 30)
  write(20, null)
  assert.deepEqual(database.findTriple(key), { firstAtMs: 10, passedAtMs: 30, seenAtMs: 20 })
  database.write([], [['n', { newlyPassedCount: 2, seenAtMs: 50 }]], 0)
  database.write([], [['n', { newlyPassedCount: 1, seenAtMs: 40 }]], 0)
  assert.deepEqual(database.findNetwork('n'), { passedCount: 3, seenAtMs: 50 })
  // Forgotten since: it begins anew.
  database.write([], [['n', { newlyPassedCount: 1, seenAtMs: 100 }]], 60)
  assert.deepEqual(database.findNetwork('n'), { passedCount: 1, seenAtMs: 100 })
  database.close()
})
