import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeReceived, type ReceivedFacts } from './received.ts'

const plain: ReceivedFacts = {
  greetingName: 'mx.sender.example',
  isExtended: true,
  isSmtpUtf8: false,
  clientAddress: '192.0.2.7',
  hostname: 'mailrelay1.example.org',
  id: '01K8ZQ3F7AB2CD.1',
  tlsCipher: null,
  onlyRecipient: null,
  atMs: Date.UTC(2026, 9, 5, 4, 3, 9),
}

function lines(changes: Partial<ReceivedFacts>): readonly string[] {
  return encodeReceived({ ...plain, ...changes }).split('\r\n')
}

test('the plain field', () => {
  assert.deepEqual(lines({}), [
    'Received: from mx.sender.example ([192.0.2.7])',
    '\tby mailrelay1.example.org (Pforte) with ESMTP id 01K8ZQ3F7AB2CD.1;',
    '\tMon, 5 Oct 2026 04:03:09 +0000',
    '',
  ])
})

test('everything there is to tell, in the order of the clauses (RFC 5321 §4.4)', () => {
  const facts = {
    clientAddress: '2001:db8::7',
    isSmtpUtf8: true,
    tlsCipher: 'TLS_AES_256_GCM_SHA384',
    onlyRecipient: 'anna@inst.example',
  }
  assert.deepEqual(lines(facts), [
    'Received: from mx.sender.example ([IPv6:2001:db8::7])',
    '\tby mailrelay1.example.org (Pforte) with UTF8SMTPS id 01K8ZQ3F7AB2CD.1',
    '\tfor <anna@inst.example>',
    '\ttls TLS_AES_256_GCM_SHA384;',
    '\tMon, 5 Oct 2026 04:03:09 +0000',
    '',
  ])
})

const protocols: readonly (readonly [Partial<ReceivedFacts>, string])[] = [
  [{ isExtended: false }, 'SMTP'],
  [{}, 'ESMTP'],
  [{ tlsCipher: 'X' }, 'ESMTPS'],
  [{ isSmtpUtf8: true }, 'UTF8SMTP'],
  [{ isSmtpUtf8: true, tlsCipher: 'X' }, 'UTF8SMTPS'],
]

for (const [changes, protocol] of protocols) {
  test(`the protocol ${protocol} (RFC 3848, RFC 6531 §4.3)`, () => {
    assert.match(lines(changes)[1] ?? '', new RegExp(` with ${protocol} id `))
  })
}

const names: readonly (readonly [string, string])[] = [
  ['MX.sender.example', 'MX.sender.example'],
  ['[192.0.2.9]', '[192.0.2.9]'],
  ['[IPv6:2001:db8::9]', '[IPv6:2001:db8::9]'],
  // Anything else could pretend to be another clause or another field.
  ['a;by.evil.example', 'invalid.name (a?by.evil.example)'],
  ['a)(b', 'invalid.name (a??b)'],
  ['m\u00fcnchen', 'invalid.name (m?nchen)'],
  ['x'.repeat(300), `invalid.name (${'x'.repeat(64)})`],
]

for (const [greetingName, shown] of names) {
  test(`the greeting ${greetingName.slice(0, 20)} is shown as ${shown.slice(0, 40)}`, () => {
    assert.equal(lines({ greetingName })[0], `Received: from ${shown} ([192.0.2.7])`)
  })
}

test('no line is longer than RFC 5322 §2.1.1 allows', () => {
  const longest = lines({
    greetingName: 'x'.repeat(255),
    onlyRecipient: `${'l'.repeat(255)}@${'d'.repeat(253)}`,
    hostname: 'h'.repeat(253),
  })
  for (const line of longest) assert.ok(line.length <= 998, line)
})
