import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { ChunkDecoder } from '#smtp/chunk-decoder.ts'
import { ContentDecoder } from '#smtp/content-decoder.ts'
import { ContentMemory } from './content-memory.ts'
import { IncomingContent, type IncomingContentOptions } from './incoming-content.ts'

interface Watched {
  readonly content: IncomingContent
  readonly memory: ContentMemory
  readonly stored: () => Promise<void>
}

function create(folder: string, changes: Partial<IncomingContentOptions> = {}): Watched {
  const memory = changes.memory ?? new ContentMemory(1_000_000)
  let onProgress = (): void => undefined
  const content = new IncomingContent({
    decoder: new ContentDecoder(),
    maxBytes: 10_000_000,
    maxHeaderBytes: 1000,
    maxInMemoryBytes: 1000,
    memory,
    folder,
    name: 'mail',
    onProgress: () => onProgress(),
    ...changes,
  })
  const stored = async (): Promise<void> => {
    while (!content.isStored) await new Promise<void>((resolve) => (onProgress = resolve))
  }
  return { content, memory, stored }
}

async function readBack(content: IncomingContent, offset = 0): Promise<Buffer> {
  const head = content.head()
  assert.ok(head !== null)
  const stored = content.stored(head)
  const reader = stored.openFrom(offset)
  const pieces: Buffer[] = []
  for (;;) {
    const next = await reader.next()
    if (next === null) return Buffer.concat(pieces)
    pieces.push(Buffer.from(Buffer.concat(next)))
  }
}

const header = 'Subject: x\r\n\r\n'

test('small content stays in memory, and is given back to the byte', async () => {
  await using folder = await temporaryFolder()
  const { content, memory } = create(folder.path)
  const text = `${header}..a\r\nb\r\n.\r\n`
  assert.equal(content.push(Buffer.from(text.slice(0, 7))), null)
  const rest = content.push(Buffer.from(`${text.slice(7)}QUIT\r\n`))
  assert.equal(rest?.toString(), 'QUIT\r\n')
  assert.equal(content.isStored, true)
  assert.equal(content.sizeBytes, `${header}.a\r\nb\r\n`.length) // RFC 1870: unstuffed, without the end
  assert.equal((await readBack(content)).toString(), text)
  assert.equal((await readBack(content, 5)).toString(), text.slice(5))
  assert.equal(memory.usedBytes, text.length)
  content.discard()
  assert.equal(memory.usedBytes, 0)
})

test('large content moves to a file, and no memory stays taken', async () => {
  await using folder = await temporaryFolder()
  const { content, memory, stored } = create(folder.path)
  const text = `${header}${'0123456789abcdef\r\n'.repeat(10_000)}.\r\n`
  const bytes = Buffer.from(text)
  for (let offset = 0; offset < bytes.length; offset += 999) {
    content.push(bytes.subarray(offset, offset + 999))
  }
  assert.equal(memory.usedBytes, 0)
  await stored()
  const hash = (data: Buffer): string => createHash('sha256').update(data).digest('hex')
  assert.equal(hash(await readBack(content)), hash(bytes))
  assert.equal(hash(await readBack(content, 1234)), hash(bytes.subarray(1234)))
  content.discard()
})

test('when all mails together have too much in memory, the next goes to a file', async () => {
  await using folder = await temporaryFolder()
  const memory = new ContentMemory(50)
  const first = create(folder.path, { memory, name: 'first' })
  const second = create(folder.path, { memory, name: 'second' })
  const text = `${header}${'x'.repeat(20)}\r\n.\r\n`
  first.content.push(Buffer.from(text))
  second.content.push(Buffer.from(text))
  assert.equal(memory.usedBytes, text.length)
  await second.stored()
  assert.equal((await readBack(second.content)).toString(), text)
  first.content.discard()
  second.content.discard()
  assert.equal(memory.usedBytes, 0)
})

test('what is too large is forgotten at once, but its end is still found', async () => {
  await using folder = await temporaryFolder()
  const { content, memory } = create(folder.path, { maxBytes: 500, maxInMemoryBytes: 1000 })
  content.push(Buffer.from(header))
  for (let count = 0; count < 100; count += 1) {
    assert.equal(content.push(Buffer.from(`${'x'.repeat(98)}\r\n`)), null)
  }
  assert.equal(content.isTooLarge, true)
  assert.equal(memory.usedBytes, 0)
  assert.equal(content.isStored, true)
  assert.equal(content.push(Buffer.from('.\r\nNOOP\r\n'))?.toString(), 'NOOP\r\n')
  content.discard()
})

test('the limit counts the content, not dot-stuffing and end mark', async () => {
  await using folder = await temporaryFolder()
  const text = `${header}${'..\r\n'.repeat(100)}`
  const sizeBytes = text.length - 100
  for (const [maxBytes, isTooLarge] of [
    [sizeBytes, false],
    [sizeBytes - 1, true],
  ] as const) {
    const { content } = create(folder.path, { maxBytes })
    assert.notEqual(content.push(Buffer.from(`${text}.\r\n`)), null)
    assert.equal(content.sizeBytes, sizeBytes)
    assert.equal(content.isTooLarge, isTooLarge)
    content.discard()
  }
})

test('a header section above its limit has no head', async () => {
  await using folder = await temporaryFolder()
  const { content, stored } = create(folder.path)
  for (let count = 0; count < 200; count += 1) content.push(Buffer.from('X: a field\r\n'))
  content.push(Buffer.from('\r\nText.\r\n.\r\n'))
  await stored()
  assert.ok(content.head() === null)
  content.discard()
})

test('a file that fails is known; pushing goes on without harm', async () => {
  await using folder = await temporaryFolder()
  const { content, stored, memory } = create(`${folder.path}/missing`)
  for (let count = 0; count < 100; count += 1) content.push(Buffer.from(`${'x'.repeat(98)}\r\n`))
  await stored()
  assert.match(String(content.storageError), /ENOENT/)
  assert.equal(content.isCongested, false)
  assert.equal(memory.usedBytes, 0)
  assert.equal(content.push(Buffer.from('.\r\n'))?.length, 0)
  content.discard()
})

test('content in chunks is kept in wire form, and is complete with the last one only', async () => {
  await using folder = await temporaryFolder()
  const decoder = new ChunkDecoder(false)
  const { content } = create(folder.path, { decoder })
  decoder.announce(header.length, false)
  assert.equal(content.push(Buffer.from(header))?.length, 0)
  assert.deepEqual([content.isComplete, content.isDoomed], [false, false])
  decoder.announce(6, true)
  assert.equal(content.push(Buffer.from('.a\r\n.bNOOP'))?.toString(), 'NOOP')
  assert.equal(content.isComplete, true)
  assert.equal(content.sizeBytes, `${header}.a\r\n.b\r\n`.length)
  assert.equal((await readBack(content)).toString(), `${header}..a\r\n..b\r\n.\r\n`)
  content.discard()
})

test('what cannot be taken any more is doomed before its end', async () => {
  await using folder = await temporaryFolder()
  for (const [octets, isDoomed] of [
    ['x'.repeat(50), false],
    ['x'.repeat(200), true],
    ['a\nb', true],
  ] as const) {
    const decoder = new ChunkDecoder(false)
    const { content } = create(folder.path, { decoder, maxBytes: 100 })
    decoder.announce(octets.length, false)
    content.push(Buffer.from(octets))
    assert.deepEqual([content.isDoomed, content.isComplete], [isDoomed, false])
    content.discard()
  }
})

test('a mail that comes byte by byte costs no Buffer for each byte', async () => {
  await using folder = await temporaryFolder()
  const { content } = create(folder.path, { maxInMemoryBytes: 1_000_000, maxHeaderBytes: 100_000 })
  const text = `${header}${'x'.repeat(50_000)}\r\n.\r\n`
  for (const octet of Buffer.from(text)) content.push(Buffer.of(octet))
  const head = content.head()
  assert.ok(head !== null)
  const pieces = await content.stored(head).openFrom(0).next()
  assert.ok(pieces !== null && pieces.length < 200, `${pieces?.length} pieces`)
  assert.equal(Buffer.concat([...pieces]).toString(), text)
  content.discard()
})
