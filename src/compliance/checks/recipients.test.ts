// Group B: who is accepted, and what is said to those who are not.

import assert from 'node:assert/strict'
import {
  describeCheck,
  goodRcpt,
  site,
  type ExaminedOptions,
} from '../../../test/support/examined-server.ts'
import { abuseMailbox } from './abuse-mailbox/check.ts'
import { nullSender } from './null-sender/check.ts'
import { openRelay } from './open-relay/check.ts'
import { postmaster } from './postmaster/check.ts'
import { rcptExistingAccepted } from './rcpt-existing-accepted/check.ts'
import { rcptLatency } from './rcpt-latency/check.ts'
import { rcptMulti } from './rcpt-multi/check.ts'
import { rcptOrderIndependence } from './rcpt-order-independence/check.ts'
import { rcptUnknownCode } from './rcpt-unknown-code/check.ts'
import { rcptUnknownPermanent } from './rcpt-unknown-permanent/check.ts'
import { rcptUnknownRejected } from './rcpt-unknown-rejected/check.ts'
import { senderConsistency } from './sender-consistency/check.ts'
import { subaddressing } from './subaddressing/check.ts'
import { vrfyExpn } from './vrfy-expn/check.ts'

/** Says this to whom nobody is. */
function unknownGets(reply: string): ExaminedOptions {
  return { rcpt: (to) => (goodRcpt(to).startsWith('250') ? goodRcpt(to) : reply) }
}

function countsRecipients(most: number): ExaminedOptions {
  let count = 0
  return {
    mail: () => {
      count = 0
      return '250 2.1.0 Ok'
    },
    rcpt: (to) => {
      count += 1
      return count > most ? '452 4.5.3 Too many recipients' : goodRcpt(to)
    },
  }
}

const acceptsAll: ExaminedOptions = { rcpt: () => '250 2.1.5 Ok' }
const refusesAll: ExaminedOptions = { rcpt: () => '550 5.1.1 User unknown' }

describeCheck(rcptExistingAccepted, [
  { name: 'accepted', server: {}, kind: 'met' },
  {
    name: 'nobody named an address',
    server: {},
    target: { existing: [] },
    kind: 'undetermined',
    subtype: 'needs-address',
  },
  { name: 'refused', server: refusesAll, kind: 'violated', subtype: 'refused' },
  {
    name: 'Debian’s Postfix without the domain says 454',
    server: { rcpt: () => '454 4.7.1 <anna@inst.example>: Relay access denied' },
    kind: 'violated',
    subtype: 'domain-not-hosted',
  },
  {
    name: 'Exim without the domain',
    server: { rcpt: () => '550 relay not permitted' },
    kind: 'violated',
    subtype: 'domain-not-hosted',
  },
  {
    name: 'the domain in upper case is another one',
    server: { rcpt: (to) => (to.includes('INST') ? '550 5.1.1 No such user' : goodRcpt(to)) },
    kind: 'violated',
  },
  {
    name: 'later',
    server: { rcpt: () => '451 4.3.0 Try later' },
    kind: 'undetermined',
    subtype: 'deferred',
  },
  {
    name: 'the tester’s domain is not found',
    server: {
      rcpt: (to, { from }) =>
        from === '' ? goodRcpt(to) : '450 4.1.8 <x@y>: Sender address rejected: Domain not found',
    },
    kind: 'undetermined',
    subtype: 'sender-domain',
  },
])

describeCheck(rcptUnknownRejected, [
  { name: 'refused', server: {}, kind: 'met' },
  {
    name: 'Exim has no enhanced code',
    server: unknownGets('550 Unrouteable address'),
    kind: 'met',
  },
  {
    name: 'postgrey defers whoever exists, and others are refused: a difference',
    server: {
      rcpt: (to) => (goodRcpt(to).startsWith('250') ? '450 4.2.0 Greylisted' : goodRcpt(to)),
    },
    kind: 'met',
    subtype: 'existing-deferred',
  },
  {
    name: 'the null sender is refused at MAIL: the other one tells',
    server: { mail: (line) => (line.includes('<>') ? '550 5.7.1 No null senders' : '250 Ok') },
    kind: 'met',
  },
  {
    name: 'the second relay is trusted, and everybody accepted from there',
    server: {
      rcpt: (to, { connection }) =>
        connection.remoteAddress === '127.0.0.2' ? '250 Ok' : goodRcpt(to),
    },
    target: { sources: ['127.0.0.1', '127.0.0.2'] },
    kind: 'violated',
    subtype: 'accepts-unknown',
  },
  { name: 'OpenSMTPD', server: unknownGets('550 Invalid recipient'), kind: 'met' },
  {
    name: 'everybody is accepted',
    server: acceptsAll,
    kind: 'violated',
    subtype: 'accepts-unknown',
    also: (_finding, { profile }) => assert.equal(profile.acceptsUnknown, true),
  },
  {
    name: '252',
    server: unknownGets('252 2.1.5 Cannot verify'),
    kind: 'violated',
    subtype: 'cannot-verify',
  },
  {
    name: 'everybody is refused',
    server: refusesAll,
    kind: 'undetermined',
    subtype: 'no-difference',
  },
  {
    name: 'only the nominated one is accepted',
    server: { rcpt: (to) => (to === site.unknown ? '250 Ok' : goodRcpt(to)) },
    kind: 'violated',
    subtype: 'nominated-address-exists',
    also: (finding) => assert.equal(finding.severity, 'should'),
  },
  {
    name: 'a catch-all that takes names of one shape only',
    server: { rcpt: (to) => (/^[a-z0-9]+\.[a-z0-9]+@/.test(to) ? '250 Ok' : goodRcpt(to)) },
    kind: 'violated',
    subtype: 'accepts-unknown',
  },
  {
    name: 'hangs up at unknown ones',
    server: { rcpt: (to) => (to === site.existing ? '250 Ok' : null) },
    kind: 'undetermined',
    subtype: 'no-answer',
  },
])

describeCheck(rcptUnknownPermanent, [
  {
    name: 'a limit of rate says nothing of the recipient',
    server: unknownGets('450 4.7.1 Error: too much mail from 127.0.0.1'),
    kind: 'undetermined',
    subtype: 'rate-limited',
  },
  { name: '550', server: {}, kind: 'met' },
  {
    name: 'Postfix’s default for what it verifies elsewhere',
    server: unknownGets('450 4.1.1 <x>: Recipient address rejected: undeliverable address'),
    kind: 'violated',
    subtype: 'tempfail-for-unknown',
  },
  {
    name: 'everybody is deferred',
    server: { rcpt: () => '450 4.2.0 Later' },
    kind: 'undetermined',
    subtype: 'no-difference',
  },
  { name: 'everybody is accepted', server: acceptsAll, kind: 'not-applicable' },
  {
    name: '450 until the server knows',
    server: verifiesElsewhere(),
    kind: 'met',
    subtype: 'after-retry',
  },
])

/** 450 to the first six questions about unknown ones, then 550. */
function verifiesElsewhere(): ExaminedOptions {
  let count = 0
  return {
    rcpt: (to) => {
      if (goodRcpt(to).startsWith('250')) return goodRcpt(to)
      count += 1
      return count <= 8 ? '450 4.1.1 Address verification in progress' : goodRcpt(to)
    },
  }
}

describeCheck(rcptUnknownCode, [
  { name: '550 5.1.1', server: {}, kind: 'met' },
  { name: '550 without a status', server: unknownGets('550 User unknown'), kind: 'met' },
  {
    name: 'Exchange',
    server: unknownGets('550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found'),
    kind: 'met',
  },
  {
    name: '554',
    server: unknownGets('554 5.0.0 Transaction failed'),
    kind: 'violated',
    subtype: 'code-unspecific',
  },
  {
    name: 'Courier’s own',
    server: unknownGets('517 Invalid domain'),
    kind: 'violated',
    subtype: 'code-nonstandard',
  },
  {
    name: 'sounds like policy',
    server: unknownGets('550 5.7.1 Rejected by policy'),
    kind: 'violated',
    subtype: 'sounds-like-policy',
  },
  { name: 'not refused', server: acceptsAll, kind: 'not-applicable' },
])

describeCheck(rcptLatency, [
  { name: 'at once', server: {}, kind: 'met' },
  {
    name: '1.1 s each',
    server: {
      rcpt: async (to, { from }) => {
        // Half of the questions: the median is slow, and the test half as long.
        if (from === '') await new Promise((resolve) => setTimeout(resolve, 1050))
        return goodRcpt(to)
      },
    },
    kind: 'violated',
    subtype: 'slow',
  },
])

describeCheck(rcptOrderIndependence, [
  { name: 'errors do not matter', server: {}, kind: 'met' },
  {
    name: 'Exim after ten bad ones in a transaction',
    server: {
      rcpt: (to, { refusedInTransaction }) =>
        refusedInTransaction > 10 ? '550 Rejected for too many bad recipients' : goodRcpt(to),
    },
    kind: 'violated',
    subtype: 'errors-in-transaction',
  },
  {
    name: 'Postfix hangs up after twenty errors',
    server: {
      rcpt: (to, { refusedCount }) =>
        refusedCount >= 19 ? '421 4.7.0 Error: too many errors' : goodRcpt(to),
    },
    kind: 'violated',
    subtype: 'errors-in-connection',
    also: (_finding, { profile }) => assert.equal(profile.calloutErrorsPerConnection, 20),
  },
  {
    name: 'known ones are refused after some errors of the connection: how many is not known',
    server: {
      rcpt: (to, { refusedCount }) => (refusedCount >= 5 ? '550 5.7.1 bad client' : goodRcpt(to)),
    },
    kind: 'violated',
    subtype: 'errors-in-connection',
    also: (_finding, { profile }) => assert.equal(profile.calloutErrorsPerConnection, 1),
  },
])

describeCheck(rcptMulti, [
  {
    name: 'a hundred are accepted',
    server: {},
    maySend: true,
    kind: 'met',
    also: (_finding, _report, server) =>
      assert.equal(server.connections.flatMap(({ contents }) => contents).length, 0),
  },
  {
    name: 'twenty',
    server: countsRecipients(20),
    maySend: true,
    kind: 'violated',
    subtype: 'few-recipients',
    also: (_finding, { profile }) => assert.equal(profile.maxRecipients, 20),
  },
  { name: 'nobody agreed', server: {}, kind: 'not-applicable', subtype: 'needs-send' },
])

describeCheck(nullSender, [
  { name: 'accepted', server: {}, kind: 'met' },
  {
    name: 'refused at MAIL',
    server: { mail: (line) => (line.includes('<>') ? '550 5.7.1 No null senders' : '250 Ok') },
    kind: 'violated',
    also: (_finding, { profile }) => assert.equal(profile.calloutSender, 'mailbox'),
  },
  {
    name: 'refused at RCPT',
    server: { rcpt: (to, { from }) => (from === '' ? '550 5.7.1 Not from <>' : goodRcpt(to)) },
    kind: 'violated',
  },
  {
    name: 'everybody is refused',
    server: refusesAll,
    kind: 'undetermined',
    subtype: 'no-difference',
  },
])

describeCheck(senderConsistency, [
  { name: 'the same', server: {}, kind: 'met' },
  {
    name: 'a new sender is refused',
    server: {
      rcpt: (to, { from }) =>
        from.startsWith('b-') ? '550 5.7.1 Sender unknown here' : goodRcpt(to),
    },
    kind: 'violated',
    subtype: 'depends-on-sender',
  },
  {
    name: 'a new sender is deferred: greylisting, another check',
    server: {
      rcpt: (to, { from }) => (from.startsWith('b-') ? '450 4.2.0 Greylisted' : goodRcpt(to)),
    },
    kind: 'undetermined',
    subtype: 'deferred',
  },
])

describeCheck(postmaster, [
  { name: 'accepted in all forms', server: {}, kind: 'met' },
  {
    name: 'unknown',
    server: { rcpt: (to) => (to === site.existing ? '250 Ok' : '550 5.1.1 Unknown') },
    kind: 'violated',
    subtype: 'refused',
  },
  {
    name: 'not without a domain',
    server: { rcpt: (to) => (to === 'postmaster' ? '501 5.1.3 Bad address' : goodRcpt(to)) },
    kind: 'violated',
    subtype: 'without-domain',
    also: (finding) => assert.equal(finding.severity, 'info'),
  },
])

describeCheck(abuseMailbox, [
  { name: 'there', server: {}, kind: 'met' },
  {
    name: 'not there',
    server: { rcpt: (to) => (to.startsWith('abuse') ? '550 5.1.1 Unknown' : goodRcpt(to)) },
    kind: 'violated',
  },
])

describeCheck(subaddressing, [
  {
    name: 'refused',
    server: {},
    kind: 'met',
    also: (_finding, { profile }) => assert.equal(profile.isSubaddressing, false),
  },
  {
    name: 'accepted',
    server: { rcpt: (to) => (to.startsWith('anna+') ? '250 Ok' : goodRcpt(to)) },
    kind: 'met',
    also: (_finding, { profile }) => assert.equal(profile.isSubaddressing, true),
  },
])

describeCheck(vrfyExpn, [
  { name: 'not there', server: {}, kind: 'met' },
  { name: '252 to everybody', server: { other: () => '252 2.1.5 Send some mail' }, kind: 'met' },
  {
    name: '252, and 550 to who is not there (Postfix)',
    server: {
      other: (line) =>
        line.includes(site.existing) ? '252 2.0.0 anna@inst.example' : '550 5.1.1 User unknown',
    },
    kind: 'violated',
    subtype: 'by-difference',
  },
  {
    name: 'confirmed',
    server: { other: () => '250 2.1.5 Anna <anna@inst.example>' },
    kind: 'violated',
  },
])

describeCheck(openRelay, [
  { name: 'refused', server: {}, kind: 'met' },
  {
    name: 'Debian’s Postfix says 454',
    server: { rcpt: () => '454 4.7.1 Relay access denied' },
    kind: 'met',
  },
  {
    name: 'no answer is no refusal',
    server: { rcpt: () => null },
    kind: 'undetermined',
    subtype: 'no-clear-refusal',
  },
  {
    name: 'foreign domains are taken',
    server: { rcpt: (to) => (to.endsWith('@probe.example.org') ? '250 Ok' : goodRcpt(to)) },
    kind: 'undetermined',
    subtype: 'suspect',
    also: (finding) => assert.ok(finding.remedy !== null),
  },
  {
    name: 'a catch-all takes odd local parts',
    server: {
      rcpt: (to) =>
        to.endsWith(`@${site.domain}`) && !to.startsWith('@') ? '250 Ok' : goodRcpt(to),
    },
    kind: 'undetermined',
    subtype: 'accepts-unknown',
  },
])
