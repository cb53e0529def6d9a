// Group A: reachability and greeting.

import assert from 'node:assert/strict'
import { afterMs, describeCheck, goodRcpt } from '../../../test/support/examined-server.ts'
import { shownSnippets } from '#compliance/report/remedies.ts'
import { playDialog } from '../../../test/support/hostile-behaviours.ts'
import { banner220 } from './banner-220/check.ts'
import { bannerDelay } from './banner-delay/check.ts'
import { clientPolicy } from './client-policy/check.ts'
import { ehloOk } from './ehlo-ok/check.ts'
import { relayNetCoverage } from './relay-net-coverage/check.ts'
import { tcpConnectV4 } from './tcp-connect-v4/check.ts'
import { tcpConnectV6 } from './tcp-connect-v6/check.ts'

/** Nothing listens there. */
const closedPort = 1

describeCheck(tcpConnectV4, [
  { name: 'the port is open', server: {}, kind: 'met' },
  {
    name: 'from two sources',
    server: {},
    target: { sources: ['127.0.0.1', '127.0.0.2'] },
    kind: 'met',
    also: (finding) => assert.match(finding.summary.en, /127\.0\.0\.2 → 127\.0\.0\.1/),
  },
  {
    name: 'the port is closed',
    server: {},
    target: { port: closedPort },
    kind: 'violated',
    subtype: 'refused',
    also: ({ remedy }, report) => {
      assert.ok(remedy !== null)
      const shown = shownSnippets(
        remedy,
        report,
        { networks: ['192.0.2.0/24', '2001:db8::/32'] },
        'en',
      )
      assert.deepEqual(
        shown.flatMap(({ program, code }) => (program === 'nftables' ? code.split('\n') : [])),
        ['ip saddr 192.0.2.0/24 tcp dport 1 accept', 'ip6 saddr 2001:db8::/32 tcp dport 1 accept'],
      )
    },
  },
  {
    name: 'the source is not ours',
    server: {},
    target: { sources: ['192.0.2.77'] },
    kind: 'undetermined',
    subtype: 'source-not-local',
  },
  { name: 'only IPv6', server: {}, target: { host: '::1' }, kind: 'not-applicable' },
])

describeCheck(tcpConnectV6, [
  { name: 'no IPv6 address', server: {}, kind: 'not-applicable' },
  { name: 'the port is closed', server: {}, target: { host: '::1' }, kind: 'violated' },
  {
    name: 'the port is open',
    server: {},
    // An IPv4-mapped address goes through the IPv6 socket to the IPv4 server.
    target: { host: '::ffff:127.0.0.1' },
    kind: 'met',
  },
])

describeCheck(banner220, [
  { name: '220', server: {}, kind: 'met' },
  {
    name: '220 in two lines',
    server: { banner: () => '220-mail.inst.example\r\n220 ESMTP' },
    kind: 'met',
  },
  {
    name: '554',
    server: { banner: () => '554 5.7.1 You are on a list' },
    kind: 'violated',
    subtype: 'refused',
    also: (finding) => assert.match(finding.summary.en, /554 5\.7\.1 You are on a list/),
  },
  { name: 'hangs up', server: { banner: () => null }, kind: 'violated', subtype: 'no-banner' },
  {
    name: 'busy three times',
    server: { banner: () => '421 4.7.0 Too many connections' },
    kind: 'violated',
    subtype: 'busy',
    also: ({ remedy }) => assert.match(remedy?.text.en ?? '', /how many connections it takes/),
  },
  {
    name: 'says something else',
    server: playDialog({ banner: 'HTTP/1.1 400 Bad Request' }),
    kind: 'violated',
  },
  {
    name: 'a firewall rewrites it',
    server: { banner: () => '220 ********************' },
    kind: 'violated',
    subtype: 'rewritten',
    also: (finding) => assert.equal(finding.severity, 'should'),
  },
  {
    name: 'control characters do not reach the report',
    server: { banner: () => '554 \u001b[2Jgone\u0007' },
    kind: 'violated',
    also: (finding, report) => {
      const texts = JSON.stringify([finding, report.transcripts])
      assert.match(texts, /gone\?/)
      assert.doesNotMatch(texts, /\\u00|\\u009b/)
    },
  },
])

describeCheck(bannerDelay, [
  { name: 'at once', server: {}, kind: 'met' },
  {
    name: 'after 2.2 s',
    server: { banner: afterMs(2200, '220 mail.inst.example') },
    kind: 'violated',
    subtype: 'slow',
  },
])

describeCheck(ehloOk, [
  { name: '250', server: {}, kind: 'met' },
  {
    name: 'HELO only',
    server: {
      ehlo: (line) => (line.startsWith('EHLO') ? '502 5.5.1 What?' : '250 mail.inst.example'),
    },
    kind: 'violated',
    subtype: 'helo-only',
  },
  {
    name: 'refused for our name',
    server: { ehlo: () => '550 5.7.1 HELO rejected' },
    kind: 'violated',
    subtype: 'refused',
  },
])

describeCheck(clientPolicy, [
  { name: 'nothing of that sort', server: {}, kind: 'met' },
  {
    name: 'the banner names a list',
    server: {
      banner: () => '554 5.7.1 Service unavailable; client host blocked using zen.spamhaus.example',
    },
    kind: 'violated',
  },
  {
    name: 'delayed to RCPT, as Postfix does',
    server: {
      rcpt: () => '450 4.7.25 Client host rejected: cannot find your hostname, [127.0.0.1]',
    },
    kind: 'violated',
  },
  {
    name: 'no sender may begin a mail, in words that say little, as sendmail does',
    server: { mail: () => '550 5.7.1 Access denied' },
    kind: 'violated',
  },
  {
    name: 'one sender is refused',
    server: {
      mail: (line) => (line.includes('<>') ? '250 2.1.0 Ok' : '550 5.7.1 Access denied'),
    },
    kind: 'met',
  },
  {
    name: 'a user that is unknown is no client policy',
    server: { rcpt: () => '550 5.1.1 User unknown' },
    kind: 'met',
  },
])

describeCheck(relayNetCoverage, [
  { name: 'one source', server: {}, kind: 'not-applicable' },
  {
    name: 'the same from both',
    server: {},
    target: { sources: ['127.0.0.1', '127.0.0.2'] },
    kind: 'met',
  },
  {
    name: 'the second one is refused',
    server: {
      rcpt: (to, { connection }) =>
        connection.remoteAddress === '127.0.0.2' ? '554 5.7.1 Access denied' : goodRcpt(to),
    },
    target: { sources: ['127.0.0.1', '127.0.0.2'] },
    kind: 'violated',
    subtype: 'single-addresses',
  },
  {
    name: 'nobody is accepted from anywhere: no difference, no answer',
    server: { rcpt: () => '550 5.1.1 User unknown' },
    target: { sources: ['127.0.0.1', '127.0.0.2'] },
    kind: 'undetermined',
    subtype: 'not-accepted',
  },
  {
    name: 'an address that is not ours says nothing of the server',
    server: {},
    target: { sources: ['127.0.0.1', '192.0.2.77'] },
    kind: 'undetermined',
    subtype: 'source-not-local',
  },
])
