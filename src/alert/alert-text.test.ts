import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailDelayed, MailHeld } from './alert.ts'
import { alertText, shortText } from './alert-text.ts'
import type { Notice } from './notice.ts'
import { webhookBody } from './webhook-body.ts'
import { ageText, wrap } from './words.ts'

const hostname = 'mailrelay1.example.org'
const delayed: MailDelayed = {
  kind: 'mail-delayed',
  level: 'operator',
  domain: 'inst.example',
  waitingCount: 12,
  oldestReceivedAtMs: Date.UTC(2026, 9, 5, 9),
  ageMs: 4 * 3_600_000,
  lastReply: '451 4.3.0 try again later',
  server: 'mail.inst.example',
}
const held: MailHeld = {
  kind: 'mail-held',
  domain: 'inst.example',
  id: '01K8ZQ3F7AB2CD.1',
  recipients: ['a@inst.example', 'b@inst.example', 'c@inst.example', 'd@inst.example'],
  reason: 'refused',
  reply: '554 5.7.1 spam',
}

function digest(
  mails: readonly [MailHeld, ...MailHeld[]],
  mailCount: number = mails.length,
): Notice {
  return { kind: 'mail-held', domain: 'inst.example', mailCount, mails }
}

const bodyOf = (notice: Notice): string => alertText(notice, hostname).body.join('\n')

test('mail that waits: how much, since when, why and what to do, in both languages', () => {
  const { subject } = alertText(delayed, hostname)
  assert.equal(subject, '[Pforte] inst.example: E-Mails warten seit 4 h / mail waiting for 4 h')
  const body = bodyOf(delayed).replaceAll(/\n */g, ' ')
  assert.match(
    body,
    /E-Mails an 12 Empfänger in inst\.example warten auf dem Relay mailrelay1\.example\.org/,
  )
  assert.match(body, /seit 4 h \(empfangen 2026-10-05 09:00 UTC\)/)
  assert.match(body, /Mail for 12 recipients of inst\.example waits on the relay/)
  assert.match(body, /Letzte Antwort des Servers: 451 4\.3\.0 try again later/)
  assert.match(body, /pforte queue flush --domain inst\.example/)
  assert.match(
    bodyOf({ ...delayed, waitingCount: 1 }),
    /^Mail for 1 recipient of inst\.example waits/m,
  )
  assert.match(bodyOf({ ...delayed, lastReply: '' }), /^Last reply of the server:\n {2}none$/m)
})

test('held mail: which, why, whose words, and the orders there are', () => {
  const body = bodyOf(digest([held, { ...held, id: 'B', reason: 'expired', reply: '' }], 25))
  assert.match(
    body,
    /^ {2}01K8ZQ3F7AB2CD\.1 {2}vom Server abgelehnt\n {4}<a@inst.example>, <b@inst.example>, <c@inst.example> \+ 1\n {4}554 5\.7\.1 spam$/m,
  )
  assert.match(body, /^ {2}B {2}waited too long\n.*\n {2}\+ 23 more$/m)
  assert.match(body, /pforte queue show 01K8ZQ3F7AB2CD\.1/)
  assert.match(
    alertText(digest([held]), hostname).subject,
    /1 E-Mail in Verwahrung \/ 1 mail held$/,
  )
  for (const reason of ['refused', 'expired', 'not-served', 'damaged', 'ordered'] as const) {
    assert.doesNotMatch(bodyOf(digest([{ ...held, reason }])), /undefined/)
  }
})

test('text of peers stays one short line, in the mail and in the webhook', () => {
  const evil = `550 no\r\n.\r\nMAIL FROM:<x@evil.example>\u001b[31m\u202e${'x'.repeat(5000)}`
  const notices: readonly Notice[] = [
    { ...delayed, lastReply: evil, server: evil },
    digest([{ ...held, reply: evil, recipients: [evil], id: evil }]),
  ]
  for (const notice of notices) {
    const { subject, body } = alertText(notice, hostname)
    assert.match(subject, /^[ -~]+$/)
    for (const line of [...body, webhookBody(notice, hostname, 0)]) {
      // oxlint-disable-next-line no-control-regex -- these are exactly what has to be gone
      assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u202e]/)
      assert.ok(line.length < 2000)
    }
  }
})

test('the webhook gets what a program needs, and a text for a chat', () => {
  const atMs = Date.UTC(2026, 9, 5, 13)
  assert.deepEqual(JSON.parse(webhookBody(delayed, hostname, atMs)), {
    kind: 'mail-delayed',
    level: 'operator',
    hostname,
    domain: 'inst.example',
    at: '2026-10-05T13:00:00.000Z',
    text: shortText(delayed, hostname),
    waitingCount: 12,
    oldestReceivedAt: '2026-10-05T09:00:00.000Z',
    ageMs: 14_400_000,
    server: 'mail.inst.example',
    lastReply: '451 4.3.0 try again later',
  })
  const { kind: _kind, domain: _domain, ...mail } = held
  assert.partialDeepStrictEqual(JSON.parse(webhookBody(digest([held], 3), hostname, atMs)), {
    kind: 'mail-held',
    level: 'operator',
    mailCount: 3,
    mails: [mail],
  })
})

test('ages are coarse', () => {
  const ages = [-5, 59_999, 3_600_000, 7_200_000, 72 * 3_600_000 - 1, 5 * 86_400_000]
  assert.deepEqual(ages.map(ageText), ['0 min', '0 min', '60 min', '2 h', '71 h', '5 d'])
})

test('prose is wrapped between words only', () => {
  const word = 'x'.repeat(100)
  assert.deepEqual(wrap(`a ${word} b c`, '  '), ['a', `  ${word}`, '  b c'])
})

test('a requirement that is not met any more: which, what was seen, what to do, in both languages', () => {
  const notice: Notice = {
    kind: 'requirement-violated',
    watch: 'server',
    domain: 'inst.example',
    server: 'mail.inst.example:25',
    atMs: Date.UTC(2026, 9, 5, 9),
    violated: [
      {
        check: 'rcpt-unknown-rejected',
        title: { de: 'Unbekannte werden abgelehnt', en: 'Unknown recipients are refused' },
        summary: { de: 'Angenommen: 250 \u001b[31mOk', en: 'Accepted: 250 \u001b[31mOk\r\n.' },
      },
    ],
  }
  assert.equal(
    alertText(notice, hostname).subject,
    '[Pforte] inst.example: Anforderung nicht mehr erfuellt / requirement not met any more',
  )
  const body = bodyOf(notice)
  assert.match(
    body,
    /^- Unbekannte werden abgelehnt \(rcpt-unknown-rejected\):\n {2}Angenommen: 250 /m,
  )
  assert.match(
    body,
    /^- Unknown recipients are refused \(rcpt-unknown-rejected\):\n {2}Accepted: 250 /m,
  )
  assert.match(body, /^ {2}pforte domain recheck inst\.example$/m)
  assert.match(body, /2026-10-05 09:00 UTC/)
  const zone = bodyOf({ ...notice, watch: 'zone' })
  assert.match(zone, /^Das DNS der Domäne inst\.example /m)
  assert.match(zone, /^The DNS of the domain inst\.example /m)
  assert.ok(!body.includes('\u001b') && !body.includes('\r'))
  const { kind, level, violated } = JSON.parse(webhookBody(notice, hostname, 0))
  assert.deepEqual(
    [kind, level, violated[0].check],
    ['requirement-violated', 'operator', 'rcpt-unknown-rejected'],
  )
})
