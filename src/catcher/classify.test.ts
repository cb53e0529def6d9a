// What comes back, as real programs write it (shortened), and as nobody should.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Returned } from './catcher.ts'
import { classifyMail, maxHeadBytes } from './classify.ts'

function classify(text: string, options: { isNullSender?: boolean; code?: string } = {}): Returned {
  const head = Buffer.from(text.replaceAll('\n', '\r\n'), 'utf8')
  return classifyMail({
    isNullSender: options.isNullSender ?? true,
    head,
    code: options.code ?? '',
  })
}

const postfix = `Received: by mail.inst.example (Postfix) id 5; Mon, 5 Oct 2026 14:03:21 +0000
From: MAILER-DAEMON@mail.inst.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F.1/mail.inst.example"

This is a MIME-encapsulated message.

--4F.1/mail.inst.example
Content-Type: text/plain; charset=us-ascii

<qk3v8x2m@inst.example>: unknown user: "qk3v8x2m"

--4F.1/mail.inst.example
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.inst.example
X-Postfix-Queue-ID: 4F
Arrival-Date: Mon,  5 Oct 2026 14:03:20 +0000 (UTC)

Final-Recipient: rfc822; qk3v8x2m@inst.example
Original-Recipient: rfc822;qk3v8x2m@inst.example
Action: failed
Status: 5.1.1
Diagnostic-Code: X-Postfix; unknown user:
    "qk3v8x2m"

--4F.1/mail.inst.example
Content-Type: message/rfc822

Subject: [Mailrelay-Test] plain mail

--4F.1/mail.inst.example--
`

describe('delivery reports (RFC 3464)', () => {
  test('of Postfix', () => {
    assert.deepEqual(classify(postfix), {
      kind: 'report',
      action: 'failed',
      reportingMta: 'dns; mail.inst.example',
      finalRecipient: 'rfc822; qk3v8x2m@inst.example',
      status: '5.1.1',
      diagnostic: 'X-Postfix; unknown user: "qk3v8x2m"',
    })
  })
  test('in wire form: dots doubled, the final dot at the end', () => {
    const wire = `${postfix.replace('Action: failed', '..x: y\nAction: failed')}.\n`
    assert.equal(classify(wire).kind, 'report')
  })
  for (const action of ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const) {
    test(`action ${action}, whatever its case`, () => {
      const written = action.replace(/^./, (letter) => letter.toUpperCase())
      const found = classify(postfix.replace('Action: failed', `ACTION: ${written} (a comment)`))
      assert.ok(found.kind === 'report' && found.action === action)
    })
  }
  test('of several recipients the failed one is told', () => {
    const two = postfix.replace(
      'Final-Recipient:',
      'Final-Recipient: rfc822; b@inst.example\nAction: delayed\nStatus: 4.4.1\n\nFinal-Recipient:',
    )
    const found = classify(two)
    assert.ok(found.kind === 'report' && found.action === 'failed')
  })
  test('without an action the status tells', () => {
    const found = classify(postfix.replace('Action: failed\n', ''))
    assert.ok(found.kind === 'report' && found.action === 'failed')
  })
  test('that is cut off before its status, or has none', () => {
    const found = classify(postfix.slice(0, postfix.indexOf('Reporting-MTA')))
    assert.ok(found.kind === 'report' && found.action === 'unknown')
  })
  test('international ones, in base64 (RFC 6533)', () => {
    const fields = Buffer.from(
      'Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: utf-8; y\r\nAction: failed\r\nStatus: 5.1.1\r\n',
    )
    const found = classify(`Content-Type: multipart/report; boundary=b

--b
Content-Type: message/global-delivery-status
Content-Transfer-Encoding: base64

${fields.toString('base64')}
--b--
`)
    assert.ok(
      found.kind === 'report' && found.action === 'failed' && found.reportingMta === 'dns; x',
    )
  })
  test('inside of what a gateway has wrapped around it', () => {
    const [head = '', ...body] = postfix.split('\n\n')
    const type = head.slice(head.indexOf('Content-Type'))
    const found = classify(`Content-Type: multipart/mixed; boundary="outer"

--outer
${type}

${body.join('\n\n')}
--outer--
`)
    assert.ok(found.kind === 'report' && found.action === 'failed')
  })
  test('a report in a mail that somebody forwards as an attachment is not one', () => {
    const found = classify(
      `From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n${postfix}\n--x--\n`,
      { isNullSender: false },
    )
    assert.equal(found.kind, 'mail')
  })
})

const others: readonly (readonly [name: string, text: string, kind: string, words: RegExp])[] = [
  [
    'qmail',
    `From: MAILER-DAEMON@inst.example
Subject: failure notice

Hi. This is the qmail-send program at mail.inst.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<nobody@inst.example>:
Sorry, no mailbox here by that name. (#5.1.1)
`,
    'bounce failed',
    /#5\.1\.1/,
  ],
  [
    'Exim before it wrote reports',
    `X-Failed-Recipients: nobody@inst.example
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@inst.example>
Subject: Mail delivery failed: returning message to sender

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  nobody@inst.example
    Unrouteable address
`,
    'bounce failed',
    /Unrouteable address/,
  ],
  [
    'Exim, delayed',
    `Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@inst.example>
Subject: Warning: message 1abc-00 delayed 24 hours

This message was created automatically by mail delivery software.
`,
    'bounce delayed',
    /delayed 24 hours/,
  ],
  [
    'Exchange, without a report, in German',
    `From: postmaster@inst.example
Subject: =?utf-8?B?${Buffer.from('Unzustellbar: [Mailrelay-Test] plain mail').toString('base64')}?=
Content-Type: text/html

<p>Ihre Nachricht wurde nicht zugestellt. 550 5.1.10 RESOLVER.ADR.RecipientNotFound</p>
`,
    'bounce failed',
    /RecipientNotFound/,
  ],
  [
    'a program of its own, with nothing but a status',
    `From: Gateway <gw@inst.example>
Subject: Your message

<nobody@inst.example>: 550 5.1.1 recipient rejected
`,
    'bounce failed',
    /550 5\.1\.1/,
  ],
  [
    'vacation',
    `From: Anna <anna@inst.example>
Auto-Submitted: auto-replied (vacation)
Subject: Auto: [Mailrelay-Test] plain mail

I am away. If it is urgent, 5.1.1 is my room.
`,
    'auto-reply',
    /plain mail/,
  ],
  [
    'a receipt (RFC 8098)',
    `From: anna@inst.example
Subject: Read: plain mail
Content-Type: multipart/report; report-type=disposition-notification; boundary=m

--m
Content-Type: message/disposition-notification

Final-Recipient: rfc822;anna@inst.example
Disposition: manual-action/MDN-sent-manually; displayed
--m--
`,
    'receipt',
    /Read: plain mail/,
  ],
]
describe('what has no report', () => {
  for (const [name, text, kind, words] of others) {
    test(name, () => {
      const found = classify(text)
      const action = found.kind === 'bounce' ? ` ${found.action}` : ''
      assert.equal(`${found.kind}${action}`, kind)
      assert.match(JSON.stringify(found), words)
    })
  }
  test('a person who answers is no program, and has the code when it was left in', () => {
    const text = 'From: a@inst.example\nSubject: Re: plain mail\n\nHere.\n> code k7q2m3xa5b\n'
    const options = { isNullSender: false, code: 'k7q2m3xa5b' }
    assert.deepEqual(classify(text, options), {
      kind: 'mail',
      subject: 'Re: plain mail',
      hasCode: true,
    })
    const found = classify(text.replace('k7q2', 'k7q3'), options)
    assert.ok(found.kind === 'mail' && !found.hasCode)
  })
  test('a code that quoted-printable has broken in two, or that is in base64', () => {
    for (const [encoding, body] of [
      ['quoted-printable', 'code k7q2m=\n3xa5b\n'],
      ['base64', Buffer.from('code k7q2m3xa5b\n').toString('base64')],
    ] as const) {
      const text = `From: a@inst.example\nContent-Transfer-Encoding: ${encoding}\n\n${body}\n`
      const found = classify(text, { isNullSender: false, code: 'k7q2m3xa5b' })
      assert.ok(found.kind === 'mail' && found.hasCode, encoding)
    }
  })
})

describe('hostile mails', () => {
  const deep = Array.from(
    { length: 50 },
    (_, index) => `Content-Type: multipart/mixed; boundary=b${index}\n\n--b${index}\n`,
  ).join('')
  const cases: readonly (readonly [name: string, text: string])[] = [
    ['nothing', ''],
    ['one dot', '.\n'],
    ['multiparts in multiparts', deep],
    [
      'ten thousand parts',
      `Content-Type: multipart/mixed; boundary=x\n\n${'--x\n\n'.repeat(10_000)}`,
    ],
    ['an empty boundary', 'Content-Type: multipart/report; boundary=""\n\n--\n--\n'],
    ['a boundary of a regular expression', 'Content-Type: multipart/mixed; boundary="(.*)+$"\n\nx'],
    ['a header without end', 'Subject: '.padEnd(300_000, 'a')],
    ['many encoded words', `Subject: ${'=?utf-8?q?=41?= '.repeat(20_000)}\n\n`],
    ['nothing but spaces in a field', `Content-Type:${' '.repeat(200_000)};\n\n`],
    ['many half statuses', `From: x\n\n${'#5.1.'.repeat(40_000)}`],
    ['many soft breaks', `Content-Transfer-Encoding: quoted-printable\n\n${'= '.repeat(100_000)}`],
    ['names of the prototype', '__proto__: x\nconstructor: y\n\n'],
  ]
  for (const [name, text] of cases) {
    test(`${name}: an answer, at once, and bounded`, () => {
      const startMs = performance.now()
      const found = classify(text)
      assert.ok(performance.now() - startMs < 1000)
      assert.ok(JSON.stringify(found).length < 5000)
    })
  }
  test('what lies behind the part that is looked at changes nothing', () => {
    const head = Buffer.alloc(maxHeadBytes + 100_000, 'x: y\r\n')
    const more = Buffer.concat([head, Buffer.from('\r\n\r\n550 5.1.1 unknown user\r\n')])
    const mail = { isNullSender: true, code: '' }
    assert.deepEqual(classifyMail({ ...mail, head }), classifyMail({ ...mail, head: more }))
  })
})
