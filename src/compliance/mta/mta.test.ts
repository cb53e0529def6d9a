import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fillSnippet } from './fill-snippet.ts'
import { recogniseMta, type Mta } from './recognise.ts'
import { snippets } from './snippets.ts'

describe('a program is recognised', () => {
  const cases: readonly (readonly [name: string, lines: readonly string[], mta: Mta | null])[] = [
    ['by its banner', ['220 mail ESMTP Postfix (Debian/GNU)'], 'postfix'],
    ['Exim', ['220 mail ESMTP Exim 4.96 Tue, 24 Nov 2026 10:00:00 +0000'], 'exim'],
    ['Exim that hides its name', ['220 mail ESMTP', '250-PRDR', '550 Unrouteable address'], 'exim'],
    [
      'Postfix that hides its name',
      [
        '220 mail ESMTP',
        '550 5.1.1 <x@y>: Recipient address rejected: User unknown in local recipient table',
        '221 2.0.0 Bye',
      ],
      'postfix',
    ],
    ['Exchange', ['220 mail Microsoft ESMTP MAIL Service ready', '250-X-ANONYMOUSTLS'], 'exchange'],
    ['sendmail', ['220 mail ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2'], 'sendmail'],
    ['OpenSMTPD', ['220 mail ESMTP OpenSMTPD'], 'opensmtpd'],
    [
      'OpenSMTPD, whose manners are those of sendmail',
      ['220 mail ESMTP OpenSMTPD', '250-mail Hello relay [127.0.0.1], pleased to meet you'],
      'opensmtpd',
    ],
    ['not by nothing', ['220 mail ESMTP', '250 Ok'], null],
    ['not when the signs disagree', ['220 mail ESMTP Postfix', '220 relay ESMTP Exim 4'], null],
  ]
  for (const [name, lines, mta] of cases) {
    test(name, () => assert.equal(recogniseMta(lines).mta, mta))
  }
})

describe('networks in a snippet', () => {
  const networks = ['129.187.254.0/23', '2001:4ca0:0:103::/64']
  const fill = (code: string): string =>
    fillSnippet(code, { networks, domain: 'inst.example', port: 25 })
  test('as lines for a CIDR table', () => {
    assert.equal(
      fill('@NETWORKS CIDR permit@'),
      '129.187.254.0/23    permit\n2001:4ca0:0:103::/64    permit',
    )
  })
  test('sendmail knows whole octets: a /23 is two lines', () => {
    assert.equal(
      fill('@NETWORKS ClientRate 0@'),
      'ClientRate:129.187.254\t0\nClientRate:129.187.255\t0\nClientRate:IPv6:2001:4ca0:0:103\t0',
    )
  })
  test('Postfix wants IPv6 in brackets', () => {
    assert.equal(fill('@NETWORKS, BRACKETS@'), '129.187.254.0/23, [2001:4ca0:0:103::]/64')
  })
  test('nftables: a line each, by family', () => {
    assert.equal(
      fill('@NETWORKS nftables@'),
      'ip saddr 129.187.254.0/23 tcp dport 25 accept\nip6 saddr 2001:4ca0:0:103::/64 tcp dport 25 accept',
    )
  })
  test('nothing is left unfilled in any snippet', () => {
    for (const [topic, byMta] of Object.entries(snippets)) {
      for (const snippet of Object.values(byMta)) {
        assert.doesNotMatch(fill(snippet.code), /@(?:NETWORKS|DOMAIN|PORT)/, topic)
      }
    }
  })
})
