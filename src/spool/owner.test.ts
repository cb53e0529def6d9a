// One relay a spool: whoever comes second is told who has it, in this process and in another one, and the
// lock goes with its owner however that ends.

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { findOwner, takeOwnership } from './owner.ts'
import { SpoolError } from './spool.ts'

const nowMs = Date.UTC(2026, 9, 5, 14, 3, 21)

/** Another process that takes the spool, says so, and keeps it. */
async function otherOwner(folder: string): Promise<ChildProcess> {
  const program = `
    import { takeOwnership } from ${JSON.stringify(new URL('./owner.ts', import.meta.url).href)}
    globalThis.kept = takeOwnership(${JSON.stringify(folder)}, ${nowMs})
    console.log('taken')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  assert.ok(child.stdout !== null)
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  assert.equal(said.toString(), 'taken\n')
  return child
}

function refusalOf(folder: string): string {
  try {
    takeOwnership(folder, nowMs)[Symbol.dispose]()
    return 'taken'
  } catch (error) {
    assert.ok(error instanceof SpoolError)
    assert.equal(error.kind, 'stopped')
    return error.message
  }
}

function messageNaming(folder: string, pid: number | undefined): string {
  return (
    `the spool ${folder} is in use by process ${pid} on ${hostname()} ` +
    'since 2026-10-05T14:03:21.000Z; only one relay may use a spool'
  )
}

test('nobody has it: it is taken, told, given back, taken again', async () => {
  await using temporary = await temporaryFolder()
  const folder = temporary.path
  assert.equal(findOwner(folder), null)
  for (let round = 0; round < 2; round += 1) {
    const ownership = takeOwnership(folder, nowMs)
    assert.deepEqual(findOwner(folder), { pid: process.pid, host: hostname(), sinceMs: nowMs })
    ownership[Symbol.dispose]()
    assert.equal(findOwner(folder), null)
  }
})

test('a second one in the same process is refused, and takes nothing away from the first', async () => {
  await using temporary = await temporaryFolder()
  using _ = takeOwnership(temporary.path, nowMs)
  for (let round = 0; round < 2; round += 1) {
    assert.equal(refusalOf(temporary.path), messageNaming(temporary.path, process.pid))
    assert.equal(findOwner(temporary.path)?.pid, process.pid)
  }
})

test('another process has it: it is named; free after kill -9', async () => {
  await using temporary = await temporaryFolder()
  const folder = temporary.path
  const child = await otherOwner(folder)
  try {
    assert.deepEqual(findOwner(folder), { pid: child.pid, host: hostname(), sinceMs: nowMs })
    assert.equal(refusalOf(folder), messageNaming(folder, child.pid))
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  assert.equal(findOwner(folder), null, 'the text is there, the lock is not')
  assert.equal(refusalOf(folder), 'taken')
})

test('to look who has it, or to fail to take it, in this process leaves it locked for others', async () => {
  await using temporary = await temporaryFolder()
  using _ = takeOwnership(temporary.path, nowMs)
  assert.notEqual(findOwner(temporary.path), null)
  assert.notEqual(refusalOf(temporary.path), 'taken')
  await assert.rejects(otherOwnerOrFailure(temporary.path), /did not get it/)
})

test('a text that is not ours does not name anybody', async () => {
  await using temporary = await temporaryFolder()
  using _ = takeOwnership(temporary.path, nowMs)
  for (const text of ['', 'null', '{"pid":"x","host":"y","sinceMs":1}', '{"pid":1}']) {
    writeFileSync(path.join(temporary.path, 'owner.json'), text)
    assert.match(refusalOf(temporary.path), /in use by another process; only one/)
    assert.equal(findOwner(temporary.path), null)
  }
})

test('a lock that cannot be had for another reason is a SpoolError too', async () => {
  await using temporary = await temporaryFolder()
  const missing = path.join(temporary.path, 'file')
  writeFileSync(missing, '')
  assert.throws(
    () => takeOwnership(path.join(missing, 'spool'), nowMs),
    (error) =>
      error instanceof SpoolError && error.kind === 'io' && /owner\.db/.test(error.message),
  )
})

async function otherOwnerOrFailure(folder: string): Promise<void> {
  const program = `
    import { takeOwnership } from ${JSON.stringify(new URL('./owner.ts', import.meta.url).href)}
    try { takeOwnership(${JSON.stringify(folder)}, 1); process.exitCode = 0 } catch { process.exitCode = 3 }`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: 'ignore',
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code === 3) throw new Error('it did not get it')
}
