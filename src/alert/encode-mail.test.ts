import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlertText } from './alert-text.ts'
import { encodeMail, type MailFacts } from './encode-mail.ts'

const facts: MailFacts = {
  hostname: 'mailrelay1.example.org',
  from: { local: 'operator', domain: 'site.example' },
  to: { local: 'anna', domain: 'inst.example' },
  messageId: 'alert.0D3K7Q2M0A7F2@mailrelay1.example.org',
  atMs: Date.UTC(2026, 9, 5, 4, 3, 9),
}
const plain: AlertText = {
  subject: '[Pforte] inst.example: 1 mail',
  body: ['H\u00f6rt!', '.', 'Ende'],
}

function linesOf(content: Buffer): readonly string[] {
  const text = content.toString()
  assert.ok(text.endsWith('\r\n.\r\n'))
  assert.doesNotMatch(text.replaceAll('\r\n', ''), /[\r\n]/)
  return text.slice(0, -'\r\n'.length).split('\r\n')
}

test('a message in wire form (RFC 5322, RFC 5321 §4.5.2)', () => {
  assert.deepEqual(linesOf(encodeMail(plain, facts)), [
    'Date: Mon, 5 Oct 2026 04:03:09 +0000',
    'From: "Pforte mailrelay1.example.org" <operator@site.example>',
    'To: <anna@inst.example>',
    'Subject: [Pforte] inst.example: 1 mail',
    'Message-ID: <alert.0D3K7Q2M0A7F2@mailrelay1.example.org>',
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    'Content-Language: de, en',
    '',
    'H=C3=B6rt!',
    '..',
    'Ende',
    '.',
  ])
})

test('long names are folded, long text is broken', () => {
  const hostname = `${'relay.'.repeat(9)}example.org`
  const text = {
    subject: `${'word '.repeat(40)}end`,
    body: ['x'.repeat(500), `.${'\u00fc'.repeat(90)}`],
  }
  const to = { local: 'anna.'.repeat(9) + 'muster', domain: 'inst.example' }
  const lines = linesOf(encodeMail(text, { ...facts, hostname, to }))
  for (const line of lines) assert.ok(line.length <= 78, line)
  assert.ok(lines.includes(' <operator@site.example>'))
  const unfolded = lines.join('\r\n').replaceAll('\r\n ', ' ')
  assert.ok(unfolded.includes(`Subject: ${text.subject}\r\n`))
})

test('a local part that is no dot-atom is quoted in the header section', () => {
  const toOf = (local: string): string | undefined =>
    linesOf(encodeMail(plain, { ...facts, to: { local, domain: 'd.example' } })).find((line) =>
      line.startsWith('To:'),
    )
  assert.equal(toOf('a..b'), 'To: <"a..b"@d.example>')
  assert.equal(toOf('"a b"'), 'To: <"a b"@d.example>')
  assert.equal(toOf('\u00fcnal'), 'To: <\u00fcnal@d.example>')
})
