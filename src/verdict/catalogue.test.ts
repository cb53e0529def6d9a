import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeReply } from '#smtp/reply.ts'
import { sampleDeferReasons, sampleRejectReasons } from './catalogue.ts'
import { verdictReply } from './replies.ts'
import { defer, reject } from './verdict.ts'

test('every reply is one clean line of its class, with code and status agreeing', () => {
  for (const reason of Object.values(sampleDeferReasons)) {
    assert.match(
      encodeReply(verdictReply(defer(reason), '', 'ID')),
      /^4\d\d 4\.\d\.\d+ [ -~]+\r\n$/,
    )
  }
  for (const reason of Object.values(sampleRejectReasons)) {
    assert.match(
      encodeReply(verdictReply(reject(reason), '', 'ID')),
      /^5\d\d 5\.\d\.\d+ [ -~]+\r\n$/,
    )
  }
})

test("the institute's code and status are passed on where a client may get them", () => {
  const cases = [
    [552, '5.2.3', '552 5.2.3'],
    [554, null, '554 5.6.0'],
    [524, '5.2.4', '554 5.6.0'], // not a code of RFC 5321
    [550, '5.x', '550 5.6.0'],
  ] as const
  for (const [code, status, wanted] of cases) {
    const verdict = reject({
      kind: 'next-hop-rejected',
      server: 'mail.inst.example',
      reply: { code, status, lines: ['no'] },
    })
    assert.ok(encodeReply(verdictReply(verdict, '', '')).startsWith(`${wanted} `))
  }
  const closing = defer({
    kind: 'next-hop-deferred',
    server: 'mail.inst.example',
    reply: { code: 421, status: '4.3.2', lines: ['bye'] },
  })
  assert.match(encodeReply(verdictReply(closing, '', '')), /^451 4\.3\.0 /)
})

test('a hostile server cannot put a line of its own into our reply', () => {
  const verdict = reject({
    kind: 'recipient-unknown',
    server: 'mail.inst.example',
    reply: { code: 550, status: '5.1.1', lines: ['a\u0007b\u202e', `${'x'.repeat(5000)}`] },
  })
  assert.match(
    encodeReply(verdictReply(verdict, '<a@b>: ', 'ID')),
    /^550 5\.1\.1 [ -~]{1,480}\r\n$/,
  )
})
