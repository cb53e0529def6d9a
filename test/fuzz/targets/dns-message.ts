// Answers of the DNS: whatever comes, an answer to that question or none; addresses are addresses, names are names,
// and what was cut off is not made up.

import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { decodeMessage, encodeQuestion, type RecordType } from '#dns/message.ts'
import type { FuzzTarget } from '../target.ts'

const id = 7
const types: readonly RecordType[] = ['MX', 'A', 'AAAA', 'TXT', 'TLSA', 'SOA']

/** Input: what comes behind the question, so that most of it gets that far; and all of it as a message. */
export const dnsMessage: FuzzTarget = {
  name: 'dns-message',
  words: [
    '\x84\xa0',
    '\0\x01\0\x01\0\0\0\0',
    '\xc0\x0c',
    '\xc0\x00',
    '\xc0\x21',
    '\xff\xff',
    '\x04mail',
    '\x04inst\x07example\0',
    '\x3f',
    '\0',
    '\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01',
    '\0\x01\0\x01\0\0\0\x3c\0\x03\x7f\0\0',
    '\0\x0f\0\x01\0\0\0\x3c\0\x04\0\x0a\xc0\x0c',
    '\0\x0f\0\x01\0\0\0\x3c\0\0',
    '\0\x1c\0\x01\0\0\0\x3c\0\x10',
    '\0\x10\0\x01\0\0\0\x3c\0\x05\x04text',
    '\0\x10\0\x01\0\0\0\x3c\0\x02\xff\x1b',
    '\0\x06\0\x01\0\0\0\x3c\0\x04\xc0\x0c\xc0\x0c',
    '\0\x34\0\x01\0\0\0\x3c\0\x04\x03\x01\x01\xaa',
  ],
  check: (bytes) => {
    for (const type of types) {
      checkAnswer(bytes, type)
      checkAnswer(behindQuestion(bytes, type), type)
    }
  },
}

/** The first two bytes are the flags, the next two the number of answers. */
function behindQuestion(bytes: Buffer, type: RecordType): Buffer {
  const question = encodeQuestion(id, 'inst.example', type, true)
  assert.ok(question !== null)
  const head = Buffer.from(question.subarray(0, question.length - 11))
  head.writeUInt16BE(0x8400 | (bytes[0] ?? 0), 2)
  head.writeUInt16BE(bytes[1] ?? 0, 6)
  return Buffer.concat([head, bytes.subarray(2)])
}

function checkAnswer(message: Buffer, type: RecordType): void {
  const decoded = decodeMessage(message, id, 'inst.example', type)
  if (decoded === null) return
  assert.ok(decoded.rcode >= 0 && decoded.rcode <= 15)
  assert.ok(decoded.answers.length <= 200)
  for (const record of decoded.answers) {
    assert.ok(record.name.length <= 255, 'a name is longer than a name can be')
    assert.ok(record.preference >= 0 && record.preference <= 65_535)
    if (record.type === 'A') assert.equal(isIP(record.value), 4, record.value)
    if (record.type === 'AAAA') assert.equal(isIP(record.value), 6, record.value)
    if (['MX', 'NS', 'CNAME'].includes(record.type)) assert.ok(record.value.length <= 255)
    if (record.type === 'TXT') assert.ok(record.value.length <= message.length)
  }
  // The same bytes with a piece cut off are no message of the same answers with one made up.
  const cut = decodeMessage(message.subarray(0, -1), id, 'inst.example', type)
  if (cut !== null) assert.ok(cut.answers.length <= decoded.answers.length)
}
