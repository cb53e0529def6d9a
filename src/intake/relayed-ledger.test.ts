import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredContent } from '#handover/handover.ts'
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
  recipients: ['a@inst.example', 'b@other.example'],
  sizeBytes: content.sizeBytes,
}

test('remembers who has which mail, until it is forgotten', async () => {
  const ledger = new RelayedLedger(() => 0)
  assert.equal(ledger.isEmpty, true)
  await ledger.remember(identity, content, ['a@inst.example'])
  assert.equal(ledger.isEmpty, false)
  assert.deepEqual([...(await ledger.relayedRecipients(identity, content))], ['a@inst.example'])
  ledger.forget(identity)
  assert.equal(ledger.isEmpty, true)
  assert.equal((await ledger.relayedRecipients(identity, content)).size, 0)
})

test('every part of the identity counts, and the content does', async () => {
  const ledger = new RelayedLedger(() => 0)
  await ledger.remember(identity, content, ['a@inst.example'])
  const others: readonly MailIdentity[] = [
    { ...identity, clientAddress: '192.0.2.2' },
    { ...identity, reversePath: '' },
    { ...identity, recipients: ['a@inst.example'] },
    { ...identity, recipients: identity.recipients.toReversed() },
    { ...identity, sizeBytes: identity.sizeBytes + 1 },
  ]
  for (const other of others) {
    assert.equal((await ledger.relayedRecipients(other, content)).size, 0)
  }
  const other = contentOf('Subject: y\r\n\r\nText.\r\n.\r\n')
  assert.equal((await ledger.relayedRecipients(identity, other)).size, 0)
})

test('content is read only when the envelope is known', async () => {
  const ledger = new RelayedLedger(() => 0)
  await ledger.remember(identity, content, ['a@inst.example'])
  let readCount = 0
  const watched = contentOf('x', () => (readCount += 1))
  await ledger.relayedRecipients({ ...identity, clientAddress: '192.0.2.2' }, watched)
  assert.equal(readCount, 0)
})

test('entries age, and there are never too many', async () => {
  let nowMs = 0
  const ledger = new RelayedLedger(() => nowMs)
  await ledger.remember(identity, content, ['a@inst.example'])
  nowMs = 4 * hour
  assert.equal((await ledger.relayedRecipients(identity, content)).size, 1)
  nowMs += 1
  assert.equal((await ledger.relayedRecipients(identity, content)).size, 0)
  assert.equal(ledger.isEmpty, true)

  for (let count = 0; count <= 10_000; count += 1) {
    await ledger.remember({ ...identity, clientAddress: `client ${count}` }, content, ['a'])
  }
  const first = { ...identity, clientAddress: 'client 0' }
  assert.equal((await ledger.relayedRecipients(first, content)).size, 0)
  const last = { ...identity, clientAddress: 'client 10000' }
  assert.equal((await ledger.relayedRecipients(last, content)).size, 1)
})
