import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredContent } from '#handover/handover.ts'
import { MemoryLedgerBook } from './ledger-book.ts'
import { RelayedLedger, type MailIdentity } from './relayed-ledger.ts'

const hour = 3_600_000

function contentOf(text: string, onRead: () => void = () => undefined): StoredContent {
  const bytes = Buffer.from(text)
  return {
    sizeBytes: bytes.length,
    head: bytes,
    openFrom: (offset) => {
      onRead()
      let isRead = false
      return {
        next: () => {
          if (isRead) return null
          isRead = true
          return [bytes.subarray(offset)]
        },
        close: () => undefined,
      }
    },
  }
}

const content = contentOf('Subject: x\r\n\r\nText.\r\n.\r\n')
const identity: MailIdentity = {
  clientAddress: '192.0.2.1',
  reversePath: 's@sender.example',
  sizeBytes: content.sizeBytes,
}

test('remembers who has which mail, until it is forgotten', async () => {
  const ledger = new RelayedLedger(new MemoryLedgerBook(() => 0))
  assert.equal(ledger.isEmpty, true)
  await ledger.remember(identity, content, Promise.resolve(['a@inst.example']))
  assert.equal(ledger.isEmpty, false)
  assert.deepEqual([...(await ledger.servedRecipients(identity, content))], ['a@inst.example'])
  await ledger.forget(identity, content)
  assert.equal(ledger.isEmpty, true)
  assert.equal((await ledger.servedRecipients(identity, content)).size, 0)
})

test('every part of the identity counts, and the content does', async () => {
  const ledger = new RelayedLedger(new MemoryLedgerBook(() => 0))
  await ledger.remember(identity, content, Promise.resolve(['a@inst.example']))
  const others: readonly MailIdentity[] = [
    { ...identity, clientAddress: '192.0.2.2' },
    { ...identity, reversePath: '' },
    { ...identity, sizeBytes: identity.sizeBytes + 1 },
  ]
  for (const other of others) {
    assert.equal((await ledger.servedRecipients(other, content)).size, 0)
  }
  const other = contentOf('Subject: y\r\n\r\nText.\r\n.\r\n')
  assert.equal((await ledger.servedRecipients(identity, other)).size, 0)
})

test('content is read only when the envelope is known', async () => {
  const ledger = new RelayedLedger(new MemoryLedgerBook(() => 0))
  await ledger.remember(identity, content, Promise.resolve(['a@inst.example']))
  let readCount = 0
  const watched = contentOf('x', () => (readCount += 1))
  await ledger.servedRecipients({ ...identity, clientAddress: '192.0.2.2' }, watched)
  assert.equal(readCount, 0)
})

test('entries age, and there are never too many', async () => {
  let nowMs = 0
  const ledger = new RelayedLedger(new MemoryLedgerBook(() => nowMs))
  await ledger.remember(identity, content, Promise.resolve(['a@inst.example']))
  nowMs = 4 * hour
  assert.equal((await ledger.servedRecipients(identity, content)).size, 1)
  nowMs += 1
  assert.equal((await ledger.servedRecipients(identity, content)).size, 0)
  assert.equal(ledger.isEmpty, true)

  for (let count = 0; count <= 10_000; count += 1) {
    await ledger.remember(
      { ...identity, clientAddress: `client ${count}` },
      content,
      Promise.resolve(['a']),
    )
  }
  const first = { ...identity, clientAddress: 'client 0' }
  assert.equal((await ledger.servedRecipients(first, content)).size, 0)
  const last = { ...identity, clientAddress: 'client 10000' }
  assert.equal((await ledger.servedRecipients(last, content)).size, 1)
})

test('mails that look alike from outside are told apart by their content', async () => {
  const ledger = new RelayedLedger(new MemoryLedgerBook(() => 0))
  const other = contentOf('Subject: y\r\n\r\nText.\r\n.\r\n')
  await ledger.remember(identity, content, Promise.resolve(['a']))
  await ledger.remember(identity, other, Promise.resolve(['b']))
  assert.deepEqual([...(await ledger.servedRecipients(identity, content))], ['a'])
  await ledger.forget(identity, content)
  assert.equal((await ledger.servedRecipients(identity, content)).size, 0)
  assert.deepEqual([...(await ledger.servedRecipients(identity, other))], ['b'])
})

test('a retry that comes while the first hand-over runs waits for what becomes of it', async () => {
  const ledger = new RelayedLedger(new MemoryLedgerBook(() => 0))
  const first = Promise.withResolvers<readonly string[]>()
  await ledger.remember(identity, content, first.promise)
  let isAnswered = false
  const retry = ledger.servedRecipients(identity, content).finally(() => (isAnswered = true))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(isAnswered, false)
  first.resolve(['a'])
  assert.deepEqual([...(await retry)], ['a'])
})

test('a hand-over that fails, and content that cannot be read, are remembered as nothing', async () => {
  const ledger = new RelayedLedger(new MemoryLedgerBook(() => 0))
  await ledger.remember(identity, content, Promise.reject(new Error('a bug')))
  assert.equal((await ledger.servedRecipients(identity, content)).size, 0)
  const unreadable = contentOf('x', () => {
    throw new Error('EIO')
  })
  await ledger.remember(identity, unreadable, Promise.resolve(['a']))
  assert.equal((await ledger.servedRecipients(identity, content)).size, 0)
})
