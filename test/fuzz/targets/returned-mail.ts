// What a mail that has come back is: an answer for any bytes, bounded, and the same however it was cut.

import assert from 'node:assert/strict'
import { classifyMail } from '#catcher/classify.ts'
import type { FuzzTarget } from '../target.ts'

const code = 'k7q2m3xa5b'
const maxWordsLength = 500

export const returnedMail: FuzzTarget = {
  name: 'returned-mail',
  words: [
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n',
    'Content-Type: multipart/mixed; boundary="b"\r\n',
    'Content-Type: message/delivery-status\r\n',
    'Content-Type: message/disposition-notification\r\n',
    'Content-Transfer-Encoding: base64\r\n',
    'Content-Transfer-Encoding: quoted-printable\r\n',
    'Reporting-MTA: dns; m\r\n',
    'Final-Recipient: rfc822; a@b\r\n',
    'Action: failed\r\n',
    'Action: delayed\r\n',
    'Status: 5.1.1\r\n',
    'Diagnostic-Code: smtp; 550 no\r\n',
    'Auto-Submitted: auto-replied\r\n',
    'X-Failed-Recipients: a@b\r\n',
    'Subject: Undelivered Mail\r\n',
    'Subject: =?utf-8?B?VW56dXN0ZWxsYmFy?=\r\n',
    'From: MAILER-DAEMON\r\n',
    'Hi. This is the qmail-send program at m\r\n',
    '550 5.1.1 user unknown\r\n',
    `code ${code}\r\n`,
    '--b\r\n',
    '--b--\r\n',
    '\r\n',
    '..',
    '.\r\n',
    '\r',
    '\n',
    '=\r\n',
    '\0',
  ],
  check: (bytes) => {
    for (const isNullSender of [true, false]) {
      const found = classifyMail({ isNullSender, head: bytes, code })
      for (const value of Object.values(found)) {
        assert.ok(typeof value === 'boolean' || value.length <= maxWordsLength)
      }
      // A program that says nothing of itself is one when its sender is null (RFC 5321 §4.5.5).
      assert.ok(!isNullSender || found.kind !== 'mail')
      assert.ok(found.kind !== 'callback' && found.kind !== 'broken-off')
      if (found.kind === 'mail') {
        assert.ok(!found.hasCode || bytes.length >= code.length)
      }
      if (found.kind === 'report' && found.action !== 'unknown') {
        // Nothing is made up: some field of the report says so.
        const text = bytes.toString('latin1')
        assert.ok(/action|status/i.test(text) || /base64|quoted-printable/i.test(text))
      }
    }
  },
}
