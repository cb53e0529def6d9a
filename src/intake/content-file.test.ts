import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { ContentFile, prepareContentFolder } from './content-file.ts'

interface Watched {
  readonly file: ContentFile
  readonly idle: () => Promise<void>
}

function open(folder: string, name = 'one'): Watched {
  let onProgress = (): void => undefined
  const file = new ContentFile(folder, name, () => onProgress())
  const idle = async (): Promise<void> => {
    while (!file.isIdle) await new Promise<void>((resolve) => (onProgress = resolve))
  }
  return { file, idle }
}

async function readAll(file: ContentFile, offset: number): Promise<Buffer> {
  const reader = file.openFrom(offset)
  const pieces: Buffer[] = []
  for (;;) {
    const next = await reader.next()
    if (next === null) return Buffer.concat(pieces)
    assert.ok(next.length > 0)
    pieces.push(Buffer.from(Buffer.concat(next))) // the reader uses its buffer again
  }
}

test('gives back what was pushed, from any offset, to several readers', async () => {
  await using folder = await temporaryFolder()
  const { file, idle } = open(folder.path)
  const content = randomBytes(1_000_003)
  for (let offset = 0; offset < content.length; offset += 65_000) {
    file.push(content.subarray(offset, offset + 65_000))
  }
  await idle()
  assert.equal(file.error, null)
  const [all, some, none] = await Promise.all([
    readAll(file, 0),
    readAll(file, 300_001),
    readAll(file, content.length),
  ])
  assert.ok(all.equals(content))
  assert.ok(some.equals(content.subarray(300_001)))
  assert.equal(none.length, 0)
  assert.deepEqual(await readdir(folder.path), [path.basename(file.path)])
  file.discard()
  while ((await readdir(folder.path)).length > 0) await setImmediate()
})

test('what somebody has renamed stays when the file is discarded', async () => {
  await using folder = await temporaryFolder()
  const { file, idle } = open(folder.path)
  file.push(Buffer.from('kept'))
  await idle()
  await rename(file.path, path.join(folder.path, 'elsewhere'))
  file.discard()
  await sleep(50) // long enough for an unlink that must not be
  assert.deepEqual(await readdir(folder.path), ['elsewhere'])
})

test('says when the disk is behind, and when it has caught up', async () => {
  await using folder = await temporaryFolder()
  const { file, idle } = open(folder.path)
  assert.equal(file.isIdle, false) // it is being opened
  for (let count = 0; count < 20; count += 1) file.push(Buffer.alloc(64 * 1024))
  assert.equal(file.isCongested, true)
  await idle()
  assert.equal(file.isCongested, false)
  file.discard()
})

test('a discarded file is gone, whenever that happens', async () => {
  await using folder = await temporaryFolder()
  const early = open(folder.path, 'early')
  early.file.push(Buffer.alloc(100_000))
  early.file.discard()
  const late = open(folder.path, 'late')
  late.file.push(Buffer.alloc(100_000))
  await late.idle()
  late.file.discard()
  await assert.rejects(readAll(late.file, 0), /gone/)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(await readdir(folder.path), [])
})

test('a file that cannot be made is an error, and takes no memory', async () => {
  await using folder = await temporaryFolder()
  const { file, idle } = open(path.join(folder.path, 'missing'))
  file.push(Buffer.alloc(100))
  await idle()
  assert.match(String(file.error), /ENOENT/)
  for (let count = 0; count < 100; count += 1) file.push(Buffer.alloc(64 * 1024))
  assert.equal(file.isCongested, false)
  assert.equal(file.isIdle, true)
  file.discard()
})

test('the folder is made for its user alone, and what an earlier run left is removed', async () => {
  await using folder = await temporaryFolder()
  const incoming = path.join(folder.path, 'a', 'incoming')
  await prepareContentFolder(incoming)
  assert.equal((await stat(incoming)).mode & 0o777, 0o700)
  await writeFile(path.join(incoming, 'old.content'), 'x')
  await writeFile(path.join(incoming, 'README'), 'not ours')
  await mkdir(path.join(incoming, 'folder'))
  await prepareContentFolder(incoming)
  assert.deepEqual((await readdir(incoming)).toSorted(), ['README', 'folder'])
})
