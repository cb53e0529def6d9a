import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { openMemory, type Memory, type Passes } from './memory.ts'
import { memoryFileName, openMemoryFile } from './memory-file.ts'

const nowMs = 1_000_000
const passed: Passes = { pregreetUntilMs: nowMs + 500, dnsblUntilMs: 0 }

function open(folder: string, failures: string[] = [], maxCount = 100): Memory {
  return openMemory({
    folder,
    clock: { now: () => nowMs, monotonicMs: () => 0 },
    maxCount: () => maxCount,
    onFailure: (error) => void failures.push(error),
  })
}

test('who has passed is known after a restart, and to another process', async () => {
  await using folder = await temporaryFolder()
  const first = open(folder.path)
  first.put('192.0.2.1', passed)
  assert.deepEqual(first.find('192.0.2.1'), passed)
  first.close()
  const second = open(folder.path)
  assert.deepEqual(second.find('192.0.2.1'), passed)
  assert.equal(second.find('192.0.2.2'), null)
  second.close()
})

test('memory and file are bounded; what ends first goes first', async () => {
  await using folder = await temporaryFolder()
  const memory = open(folder.path, [], 10)
  for (let index = 0; index < 1000; index += 1) {
    memory.put(`client ${index}`, { pregreetUntilMs: nowMs + index, dnsblUntilMs: 0 })
  }
  memory.close()
  const file = openMemoryFile(folder.path)
  assert.equal(file.find('client 0', nowMs), null)
  assert.notEqual(file.find('client 999', nowMs), null)
  file.write(new Map([['long', { pregreetUntilMs: 0, dnsblUntilMs: nowMs + 5000 }]]))
  file.purge(nowMs, 1)
  assert.equal(file.find('client 999', nowMs), null)
  assert.equal(file.find('long', nowMs)?.dnsblUntilMs, nowMs + 5000)
  file.purge(nowMs + 6000, 10)
  assert.equal(file.find('long', 0), null)
  file.close()
})

test('what another process knows for longer is not shortened, and what has ended is not found', async () => {
  await using folder = await temporaryFolder()
  const file = openMemoryFile(folder.path)
  file.write(new Map([['x', { pregreetUntilMs: 5000, dnsblUntilMs: 100 }]]))
  file.write(new Map([['x', { pregreetUntilMs: 0, dnsblUntilMs: 300 }]]))
  assert.deepEqual(file.find('x', 4999), { pregreetUntilMs: 5000, dnsblUntilMs: 300 })
  assert.equal(file.find('x', 5001), null)
  file.close()
})

test('a file that is none costs the memory over restarts, and nothing else', async () => {
  await using folder = await temporaryFolder()
  writeFileSync(join(folder.path, memoryFileName), 'not a database '.repeat(100))
  const failures: string[] = []
  const memory = open(folder.path, failures)
  memory.put('192.0.2.1', passed)
  assert.deepEqual(memory.find('192.0.2.1'), passed)
  assert.equal(memory.find('192.0.2.2'), null)
  memory.close()
  assert.equal(failures.length, 1)
  assert.match(failures[0] ?? '', /not a database/)
})
