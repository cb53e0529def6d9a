import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  encodeReply,
  isPermanent,
  isPositive,
  isTransient,
  reply,
  replyText,
  type PeerReply,
} from './reply.ts'

test('a reply of one line', () => {
  assert.equal(encodeReply(reply(354, null, 'go ahead')), '354 go ahead\r\n')
})

test('every line of a reply bears the status, whose class is that of the code', () => {
  assert.equal(
    encodeReply(reply(550, '1.1', 'a', 'b', 'c')),
    '550-5.1.1 a\r\n550-5.1.1 b\r\n550 5.1.1 c\r\n',
  )
  assert.equal(encodeReply(reply(451, '7.25', 'later')), '451 4.7.25 later\r\n')
})

test("a peer's reply as one line", () => {
  const peer: PeerReply = { code: 550, status: '5.1.1', lines: ['User', 'unknown'] }
  assert.equal(replyText(peer), '550 5.1.1 User unknown')
  assert.equal(replyText({ code: 250, status: null, lines: [''] }), '250')
})

const classes: readonly (readonly [number, string])[] = [
  [200, 'positive'],
  [299, 'positive'],
  [354, 'none'],
  [400, 'transient'],
  [499, 'transient'],
  [500, 'permanent'],
  [599, 'permanent'],
]

for (const [code, expected] of classes) {
  test(`${code} is ${expected}`, () => {
    const peer: PeerReply = { code, status: null, lines: [''] }
    const found = [
      isPositive(peer) ? 'positive' : '',
      isTransient(peer) ? 'transient' : '',
      isPermanent(peer) ? 'permanent' : '',
    ].join('')
    assert.equal(found === '' ? 'none' : found, expected)
  })
}
