// The record of what a program did to its files: lines of strace, and a real program whose folder must
// be what the record says.

import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, realpath } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { Disk, everythingSurvives, nothingSurvives } from './support/disk.ts'
import { concerns, operationsOf } from './support/file-operations.ts'
import { bytesOf, descriptorOf, hexOf, readStraceLog } from './support/strace-log.ts'
import { findStrace, skipWithout } from './support/strace-program.ts'
import { trace } from './support/trace.ts'

const strace = findStrace()

function operations(...lines: readonly string[]): ReturnType<typeof operationsOf> {
  const options = { folder: '/spool' }
  return operationsOf(readStraceLog(lines, concerns(options)), options)
}

const text = (value: string): string => `"${hexOf(value)}"`
const open = (number: number, file: string): string => `${number}<${hexOf(file)}>`
const opened = `7 openat(AT_FDCWD<${hexOf('/')}>, ${text('/spool/a')}, O_WRONLY|O_CREAT, 0600) = ${open(3, '/spool/a')}`

test('files are made, written one behind the other, and synced', () => {
  const found = operations(
    `7 mkdir(${text('/spool/f')}, 0700) = 0`,
    opened,
    `7 write(${open(3, '/spool/a')}, ${text('ab')}, 2) = 2`,
    `7 writev(${open(3, '/spool/a')}, [{iov_base=${text('c')}, iov_len=1}, {iov_base=${text('d')}, iov_len=1}], 2) = 2`,
    `7 pwrite64(${open(3, '/spool/a')}, ${text('xyz')}, 3, 9) = 2`,
    `7 fdatasync(${open(3, '/spool/a')}) = 0`,
    `7 rename(${text('/spool/a')}, ${text('/spool/f/b')}) = 0`,
    `7 fsync(${open(4, '/spool/f')}) = 0`,
    `7 link(${text('/spool/f/b')}, ${text('/spool/c')}) = 0`,
    `7 unlink(${text('/spool/f/b')}) = 0`,
  )
  assert.deepEqual(found, [
    { kind: 'make-folder', path: 'f' },
    { kind: 'create', path: 'a' },
    { kind: 'write', path: 'a', offset: 0, data: Buffer.from('ab') },
    { kind: 'write', path: 'a', offset: 2, data: Buffer.from('cd') },
    { kind: 'write', path: 'a', offset: 9, data: Buffer.from('xy') }, // a short write
    { kind: 'sync', path: 'a', begunAt: 5 },
    { kind: 'rename', from: 'a', to: 'f/b' },
    { kind: 'sync', path: 'f', begunAt: 7 },
    { kind: 'link', from: 'f/b', to: 'c' },
    { kind: 'remove', path: 'f/b' },
  ])
})

test('a sync covers what had ended when it began, and a word is known when it began', () => {
  const found = operations(
    opened,
    `8 fsync(${open(3, '/spool/a')} <unfinished ...>`,
    `9 write(1<${hexOf('pipe:[1]')}>, ${text('yes')}, 3 <unfinished ...>`,
    `7 pwrite64(${open(3, '/spool/a')}, ${text('ab')}, 2, 0) = 2`,
    '8 <... fsync resumed>)              = 0',
    '9 <... write resumed>)              = 3',
  )
  assert.deepEqual(found.slice(2), [
    { kind: 'sync', path: 'a', begunAt: 1 },
    { kind: 'said', text: 'yes', begunAt: 1 },
  ])
})

test('calls that failed or never ended change nothing, failed syncs are told', () => {
  const found = operations(
    opened,
    `7 pwrite64(${open(3, '/spool/a')}, ${text('ab')}, 2, 0) = -1 ENOSPC (No space left on device) (INJECTED)`,
    `7 fsync(${open(3, '/spool/a')}) = -1 EIO (Input/output error) (INJECTED)`,
    `7 pwrite64(${open(3, '/spool/a')}, ${text('ab')}, 2, 0 <unfinished ...>`,
    '7 +++ killed by SIGKILL +++',
  )
  assert.deepEqual(found.slice(1), [{ kind: 'failed-sync', path: 'a', begunAt: 1 }])
})

test('other files, deleted ones and the shared memory of SQLite are of no interest', () => {
  const found = operations(
    `7 pwrite64(${open(3, '/elsewhere')}, ${text('/spool')}, 6, 0) = 6`,
    `7 pwrite64(3<${hexOf('/spool/a')}>(deleted), ${text('a')}, 1, 0) = 1`,
    `7 ftruncate(${open(3, '/spool/spool.db-shm')}, 32768) = 0`,
    `7 mmap(NULL, 32768, PROT_READ|PROT_WRITE, MAP_SHARED, ${open(3, '/spool/spool.db-shm')}, 0) = 0x7f`,
    `7 mmap(NULL, 32768, PROT_READ, MAP_SHARED, ${open(3, '/spool/spool.db')}, 0) = 0x7f`,
  )
  assert.deepEqual(found, [])
})

test('what is not understood is an error', () => {
  const memory = `7 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, ${open(3, '/spool/spool.db')}, 0) = 0x7f`
  assert.throws(() => operations(memory), /written through memory/)
  const allocated = `7 fallocate(${open(3, '/spool/a')}, 0, 0, 4096) = 0`
  assert.throws(() => operations(allocated), /fallocate is not understood/)
  assert.throws(() => bytesOf(`"${hexOf('ab')}"...`), /not a whole string/)
  assert.throws(() => descriptorOf('NULL'), /not a descriptor/)
})

const program = `
import fs from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
const folder = process.argv[1]
fs.mkdirSync(folder + '/content/deep', { recursive: true })
const database = new DatabaseSync(folder + '/spool.db')
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE a (b)')
for (let i = 0; i < 20; i += 1) database.prepare('INSERT INTO a VALUES (?)').run('x'.repeat(5000))
database.exec('PRAGMA wal_checkpoint(PASSIVE); DELETE FROM a WHERE rowid > 10')
const handle = await fs.promises.open(folder + '/new', 'w')
await handle.write('hello ')
await handle.writev([Buffer.from('wor'), Buffer.from('ld')])
await handle.datasync()
await handle.close()
await fs.promises.rename(folder + '/new', folder + '/content/deep/kept')
const above = await fs.promises.open(folder + '/content/deep')
await above.sync()
await above.close()
fs.writeFileSync(folder + '/gone', 'x'.repeat(300000))
fs.writeFileSync(folder + '/kept', 'one')
fs.truncateSync(folder + '/gone', 5)
fs.rmSync(folder + '/gone')
fs.writeSync(1, 'done')
process.kill(process.pid, 'SIGKILL')
`

test(
  'the record of a real program is what its folder holds',
  { skip: skipWithout(strace) },
  async () => {
    assert.ok(strace.kind === 'ready')
    await using temporary = await temporaryFolder()
    const folder = path.join(await realpath(temporary.path), 'watched')
    await mkdir(folder)
    const { operations: recorded, stdout } = await trace({
      strace,
      command: [process.execPath, '--input-type=module', '-e', program, folder],
      folder,
      logFile: path.join(temporary.path, 'strace.log'),
      timeoutMs: 30_000,
    })
    assert.equal(stdout, 'done')
    assert.deepEqual(recorded.at(-1)?.kind, 'said')
    const disk = new Disk({ names: 'folder' })
    for (const operation of recorded) disk.apply(operation)

    const image = disk.image(everythingSurvives)
    const names = await readdir(folder, { recursive: true })
    const lasting = names.filter((name) => !name.endsWith('-shm'))
    assert.deepEqual([...image.keys()].toSorted(), lasting.toSorted())
    assert.ok(image.has('spool.db-wal'))
    for (const [name, data] of image) {
      if (data !== null) assert.ok(data.equals(await readFile(path.join(folder, name))), name)
    }
    // SQLite syncs its folder, nobody synced that of `kept` or the one above it.
    const survivors = [...disk.image(nothingSurvives).keys()].toSorted()
    assert.deepEqual(survivors, ['content', 'spool.db', 'spool.db-wal'])
  },
)
