// Groups C and E: greylisting, limits, checks of senders, size.

import assert from 'node:assert/strict'
import {
  describeCheck,
  goodRcpt,
  type ExaminedOptions,
} from '../../../test/support/examined-server.ts'
import { noGreylisting } from './no-greylisting/check.ts'
import { noRateLimitConnections } from './no-rate-limit-connections/check.ts'
import { noRateLimitMessages } from './no-rate-limit-messages/check.ts'
import { noSenderCallback } from './no-sender-callback/check.ts'
import { noSpfOnRelayed } from './no-spf-on-relayed/check.ts'
import { noTarpit } from './no-tarpit/check.ts'
import { ownDomainSender } from './own-domain-sender/check.ts'
import { sessionReuse } from './session-reuse/check.ts'
import { sizeEhlo } from './size-ehlo/check.ts'
import { sizeHeadroom } from './size-headroom/check.ts'
import { sizeMailParam } from './size-mail-param/check.ts'

/** Defers a triple until it has been seen, with words that say so or do not. */
function greylists(words: string): ExaminedOptions {
  const met = new Map<string, number>()
  return {
    rcpt: (to, { from }) => {
      if (from === '' || !goodRcpt(to).startsWith('250')) return goodRcpt(to)
      const key = `${from} ${to}`
      const count = (met.get(key) ?? 0) + 1
      met.set(key, count)
      return count <= 1 ? words : goodRcpt(to)
    },
  }
}

/** Defers the content of a sender until it comes again. */
function greylistsContent(words: string): ExaminedOptions {
  const met = new Set<string>()
  return {
    final: (_content, { from }) => {
      if (met.has(from)) return '250 2.0.0 Ok'
      met.add(from)
      return words
    },
  }
}

describeCheck(noGreylisting, [
  { name: 'a new sender is accepted', server: {}, kind: 'met' },
  {
    name: 'postgrey says so, and spares the null sender',
    server: greylists('450 4.2.0 <anna@inst.example>: Recipient address rejected: Greylisted'),
    kind: 'violated',
    subtype: 'greylisting',
  },
  {
    name: '"try again later" of a server that is ill is not greylisting',
    server: { rcpt: () => '451 4.3.0 Temporary lookup failure, try again later' },
    kind: 'undetermined',
    subtype: 'deferred',
  },
  {
    name: 'without words, by difference',
    server: greylists('451 4.3.0 Temporary failure'),
    limits: { patienceMs: 2500 },
    kind: 'violated',
    subtype: 'greylisting',
  },
  {
    name: 'a server that is just ill',
    server: { rcpt: () => '451 4.3.0 Temporary failure' },
    kind: 'undetermined',
    subtype: 'deferred',
  },
  {
    name: 'refused for another reason',
    server: { rcpt: () => '550 5.1.1 Unknown' },
    kind: 'undetermined',
    subtype: 'not-accepted',
  },
  {
    name: 'with content too',
    server: { final: () => '250 2.0.0 Ok' },
    maySend: true,
    kind: 'met',
    also: (finding) => assert.match(finding.summary.en, /with content/),
  },
  {
    name: 'rspamd defers the content of a new sender',
    server: greylistsContent('451 4.7.1 Try again later'),
    maySend: true,
    limits: { patienceMs: 2500 },
    kind: 'violated',
    subtype: 'greylisting-content',
  },
  {
    name: 'a filter that was away for a moment: not greylisting',
    server: defersContentOnce(),
    maySend: true,
    limits: { patienceMs: 2500 },
    kind: 'undetermined',
    subtype: 'passing',
  },
  {
    name: 'every content is deferred: not greylisting',
    server: { final: () => '451 4.3.0 Disk full' },
    maySend: true,
    kind: 'undetermined',
    subtype: 'deferred',
  },
  {
    name: 'postscreen’s deep tests: the first connection only',
    server: firstConnectionOnly(),
    limits: { patienceMs: 2500 },
    kind: 'violated',
    subtype: 'postscreen-deep-test',
    also: (finding) => assert.equal(finding.severity, 'should'),
  },
])

function defersContentOnce(): ExaminedOptions {
  let count = 0
  return { final: () => (++count === 1 ? '451 4.3.0 Filter is not there' : '250 2.0.0 Ok') }
}

function firstConnectionOnly(): ExaminedOptions {
  return {
    rcpt: (to, { connection }) =>
      // The very first connections are first contact and first question.
      connection.number <= 2 ? '450 4.3.2 Service currently unavailable' : goodRcpt(to),
  }
}

describeCheck(noRateLimitConnections, [
  { name: 'twenty at a time', server: {}, kind: 'met' },
  {
    name: 'Courier: five',
    server: { banner: ({ openCount }) => (openCount > 5 ? null : '220 mail ESMTP') },
    kind: 'violated',
    subtype: 'connection-count',
    also: (finding) => assert.equal(finding.measured.maxConnections, 5),
  },
  {
    name: 'Exim: says so',
    server: {
      banner: ({ openCount }) =>
        openCount > 15 ? '421 Too many concurrent SMTP connections' : '220 mail ESMTP',
    },
    kind: 'violated',
    also: (finding) => assert.equal(finding.measured.maxConnections, 15),
  },
  {
    name: 'sendmail: too fast',
    server: {
      banner: ({ connection }) =>
        connection.number > 25 ? '421 4.3.2 Connection rate limit exceeded.' : '220 mail ESMTP',
    },
    kind: 'violated',
    subtype: 'connection-rate',
  },
  {
    name: 'once only',
    server: {
      banner: ({ connection }) => (connection.number === 9 ? '421 4.3.2 Busy' : '220 mail ESMTP'),
    },
    kind: 'undetermined',
    subtype: 'passing',
  },
])

describeCheck(noRateLimitMessages, [
  { name: 'thirty', server: {}, kind: 'met' },
  {
    name: 'Postfix: five',
    server: {
      mail: (_line, { mailCount }) =>
        mailCount > 5 ? '450 4.7.1 Error: too much mail from 127.0.0.1' : '250 Ok',
    },
    kind: 'violated',
    subtype: 'message-rate',
    also: (finding) => assert.equal(finding.measured.mailsPerConnection, 5),
  },
])

describeCheck(sessionReuse, [
  { name: 'many', server: {}, kind: 'met', subtype: null },
  {
    name: 'OpenSMTPD: a hundred',
    server: {
      mail: (_line, { mailCount }) =>
        mailCount > 100 ? '452 4.5.0 Too many messages sent' : '250 Ok',
    },
    kind: 'met',
    subtype: 'limited',
    also: (_finding, { profile }) => assert.equal(profile.mailsPerConnection, 100),
  },
])

describeCheck(noTarpit, [
  { name: 'errors do not slow down', server: {}, kind: 'met' },
  {
    name: '2.2 s for each error',
    server: {
      rcpt: async (to) => {
        if (!goodRcpt(to).startsWith('250'))
          await new Promise((resolve) => setTimeout(resolve, 2200))
        return goodRcpt(to)
      },
    },
    kind: 'violated',
    subtype: 'tarpit',
  },
])

describeCheck(noSpfOnRelayed, [
  { name: 'accepted', server: {}, kind: 'met' },
  {
    name: 'Exim',
    server: {
      rcpt: (to, { from }) =>
        from === 'x@example.com'
          ? '550 [SPF] 127.0.0.1 is not allowed to send mail from example.com.'
          : goodRcpt(to),
    },
    kind: 'violated',
    subtype: 'spf',
  },
  {
    name: 'refused with other words, and only that sender',
    server: {
      mail: (line) =>
        line.includes('x@example.com') ? '554 5.7.1 Sender not authorised' : '250 Ok',
    },
    kind: 'violated',
    subtype: 'refused-unlike-others',
  },
  {
    name: 'the domain takes no mail: not SPF',
    server: {
      rcpt: (to, { from }) =>
        from === 'x@example.com' ? '550 5.7.27 Domain does not accept mail (nullMX)' : goodRcpt(to),
    },
    kind: 'undetermined',
    subtype: 'other-reason',
  },
])

describeCheck(noSenderCallback, [
  { name: 'accepted', server: {}, kind: 'met' },
  {
    name: 'Exim',
    server: {
      rcpt: (to, { from }) => (from.startsWith('b-') ? '550 Sender verify failed' : goodRcpt(to)),
    },
    kind: 'violated',
    subtype: 'callback',
  },
])

describeCheck(ownDomainSender, [
  { name: 'accepted', server: {}, kind: 'met' },
  {
    name: 'refused',
    server: {
      mail: (line) => (line.includes('@inst.example') ? '550 5.7.1 You are not us' : '250 Ok'),
    },
    kind: 'violated',
  },
  {
    name: 'everybody is refused',
    server: { rcpt: () => '550 5.1.1 Unknown' },
    kind: 'undetermined',
  },
])

const withSize = (line: string): ExaminedOptions => ({ keywords: ['PIPELINING', line] })

describeCheck(sizeEhlo, [
  { name: '60 MiB', server: {}, kind: 'met' },
  { name: 'SIZE 0: no limit', server: withSize('SIZE 0'), kind: 'met' },
  {
    name: 'Postfix’s default',
    server: withSize('SIZE 10240000'),
    kind: 'violated',
    subtype: 'too-small',
    also: (finding, { profile }) => {
      assert.match(finding.summary.de, /10\.240\.000 Byte/)
      assert.equal(profile.maxMessageBytes, 10_240_000)
    },
  },
  { name: 'OpenSMTPD’s default', server: withSize('SIZE 36700160'), kind: 'violated' },
  {
    name: 'without a number',
    server: withSize('SIZE'),
    kind: 'undetermined',
    subtype: 'no-number',
  },
])

const announces = (maxBytes: number, refusal: string): ExaminedOptions => ({
  mail: (line) => (Number(/SIZE=(\d+)/.exec(line)?.[1] ?? 0) > maxBytes ? refusal : '250 Ok'),
})

describeCheck(sizeMailParam, [
  { name: 'accepted', server: {}, kind: 'met' },
  {
    name: 'refused',
    server: announces(10_000_000, '552 5.3.4 Message size exceeds fixed limit'),
    kind: 'violated',
  },
  {
    name: 'no room at the moment',
    server: announces(0, '452 4.3.1 Insufficient system storage'),
    kind: 'undetermined',
    subtype: 'no-space',
  },
  {
    name: 'quota of the mailbox',
    server: announces(0, '552 5.2.2 Mailbox over quota'),
    kind: 'undetermined',
    subtype: 'quota',
  },
  {
    name: 'not offered',
    server: { keywords: ['PIPELINING'] },
    kind: 'undetermined',
    subtype: 'not-offered',
  },
  {
    name: 'not offered, but a real mail will be sent',
    server: { keywords: ['PIPELINING'] },
    maySend: true,
    kind: 'not-applicable',
  },
])

describeCheck(sizeHeadroom, [
  { name: 'there', server: {}, kind: 'met' },
  {
    name: 'Exim’s default: exactly 50 MiB',
    server: withSize('SIZE 52428800'),
    kind: 'violated',
    subtype: 'no-headroom',
  },
  { name: 'not offered', server: { keywords: ['PIPELINING'] }, kind: 'undetermined' },
])
