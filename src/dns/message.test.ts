import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeMessage, encodeQuestion } from './message.ts'

/** An answer to `inst.example MX` with one record, whose owner and exchange are compressed. */
function answer(): Buffer {
  const question = encodeQuestion(7, 'inst.example', 'MX', true)
  assert.ok(question !== null)
  const head = Buffer.from(question.subarray(0, question.length - 11))
  head.writeUInt16BE(0x84a0, 2)
  head.writeUInt16BE(1, 6)
  head.writeUInt16BE(0, 10)
  const record = Buffer.from('c00c000f0001000151800009000a046d61696cc00c', 'hex')
  return Buffer.concat([head, record])
}

test('an answer with compressed names', () => {
  const decoded = decodeMessage(answer(), 7, 'INST.example', 'MX')
  assert.deepEqual(decoded?.answers, [
    {
      name: 'inst.example',
      type: 'MX',
      ttlSeconds: 86_400,
      value: 'mail.inst.example',
      preference: 10,
    },
  ])
  assert.ok(decoded.isAuthoritative && decoded.isAuthenticated && !decoded.isTruncated)
})

describe('is no answer', () => {
  test('to another question', () => {
    assert.equal(decodeMessage(answer(), 8, 'inst.example', 'MX'), null)
    assert.equal(decodeMessage(answer(), 7, 'inst2.example', 'MX'), null)
    assert.equal(decodeMessage(answer(), 7, 'inst.example', 'TXT'), null)
  })
  test('cut anywhere', () => {
    const whole = answer()
    for (let length = 0; length < whole.length; length += 1) {
      assert.equal(decodeMessage(whole.subarray(0, length), 7, 'inst.example', 'MX'), null)
    }
  })
  test('with an address, a name or a string that its record has no room for', () => {
    const whole = answer()
    const recordBytes = 2 + 10 + 9
    const withRecord = (hex: string): Buffer =>
      Buffer.concat([whole.subarray(0, -recordBytes), Buffer.from(hex, 'hex')])
    for (const hex of [
      'c00c000100010000003c00037f0000',
      'c00c001c00010000003c00047f000001',
      'c00c000f00010000003c0000000ac00c',
      'c00c000f00010000003c0003000a03616161000000',
      'c00c001000010000003c0002ff78',
    ]) {
      assert.equal(decodeMessage(withRecord(hex), 7, 'inst.example', 'MX'), null, hex)
    }
  })
  test('with a name that points at itself', () => {
    const looping = answer()
    looping.writeUInt16BE(0xc000 + looping.length - 2, looping.length - 2)
    assert.equal(decodeMessage(looping, 7, 'inst.example', 'MX'), null)
  })
})

test('names that cannot be asked for', () => {
  assert.equal(encodeQuestion(1, `${'x'.repeat(64)}.example`, 'A', true), null)
  assert.equal(encodeQuestion(1, 'a..b', 'A', true), null)
})
