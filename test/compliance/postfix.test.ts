// What `pforte check` says of a real Postfix, well and badly configured, and whether its advice helps.

import { after, test } from 'node:test'
import { findPrograms, skipReason } from '../interop/support/programs.ts'
import type { ShownSnippet } from '#compliance/report/remedies.ts'
import { createAuthority, type CertificateFiles } from '../support/certificates.ts'
import { checkApplied } from './support/applied.ts'
import {
  assertFindings,
  assertGood,
  examine,
  mailHost,
  testRows,
  tryOut,
  type Row,
} from './support/examine.ts'
import { goodServers } from './support/good-servers.ts'
import { startSpamMilter } from './support/milter.ts'
import { startGreylist } from './support/policy-server.ts'
import { applyToPostfix, postfixBench, type PostfixConfiguration } from './support/postfix.ts'

const programs = findPrograms()
const skip = skipReason(programs, 'postfix')
const bench = postfixBench(programs, skip)
const { start } = bench

/** postgrey itself answers after 300 s; nobody waits so long here. */
const greylist = await startGreylist(60_000)
const shortGreylist = await startGreylist(1500)
after(async () => {
  await greylist[Symbol.asyncDispose]()
  await shortGreylist[Symbol.asyncDispose]()
})

const milter = await startSpamMilter()
after(() => milter[Symbol.asyncDispose]())

/** The relay has two addresses, and one of them was forgotten somewhere. */
const twoSources = ['127.0.0.10', '127.0.0.11']
const one = { sources: ['127.0.0.11'] }

const rows: readonly Row<PostfixConfiguration>[] = [
  {
    name: 'the domain is missing, as Debian installs it, and mails may have 10 MB',
    configuration: {
      mainCf: [
        'mydestination = localhost',
        'smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination',
        'message_size_limit = 10240000',
      ],
    },
    expected: {
      'rcpt-existing-accepted': 'violated domain-not-hosted',
      'rcpt-unknown-rejected': 'undetermined',
      'size-ehlo': 'violated too-small',
      'size-headroom': 'violated no-headroom',
    },
    remedied: ['rcpt-existing-accepted', 'size-ehlo', 'size-headroom'],
  },
  {
    name: 'everybody is accepted (local_recipient_maps empty)',
    configuration: { mainCf: ['local_recipient_maps ='] },
    expected: {
      'rcpt-existing-accepted': 'met',
      'rcpt-unknown-rejected': 'violated accepts-unknown',
      'rcpt-unknown-permanent': 'not-applicable',
    },
    remedied: ['rcpt-unknown-rejected'],
  },
  {
    name: 'a catch-all alias of the domain',
    configuration: {
      mainCf: [`virtual_alias_maps = inline:{ { @inst.example = anna@inst.example } }`],
    },
    expected: {
      'rcpt-existing-accepted': 'met',
      'rcpt-unknown-rejected': 'violated accepts-unknown',
    },
  },
  {
    name: 'unknown recipients are deferred (soft_bounce)',
    configuration: { mainCf: ['soft_bounce = yes'] },
    expected: {
      'rcpt-existing-accepted': 'met',
      'rcpt-unknown-permanent': 'violated tempfail-for-unknown',
    },
    remedied: ['rcpt-unknown-permanent'],
  },
  {
    name: 'unknown recipients are deferred (unknown_local_recipient_reject_code = 450)',
    configuration: { mainCf: ['unknown_local_recipient_reject_code = 450'] },
    expected: { 'rcpt-unknown-permanent': 'violated tempfail-for-unknown' },
    remedied: ['rcpt-unknown-permanent'],
  },
  {
    name: 'greylisting',
    configuration: {
      mainCf: [
        `smtpd_recipient_restrictions = reject_unlisted_recipient, check_policy_service inet:127.0.0.1:${greylist.port}`,
      ],
    },
    expected: {
      'rcpt-unknown-rejected': 'met',
      'null-sender': 'met',
      postmaster: 'met',
      'no-greylisting': 'violated greylisting',
    },
    remedied: ['no-greylisting'],
  },
  {
    name: 'greylisting that does not say so, seen by waiting',
    configuration: {
      mainCf: [
        `smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:${shortGreylist.port}`,
        'smtpd_reject_footer = \\c',
      ],
    },
    expected: { 'no-greylisting': 'violated greylisting' },
  },
  {
    name: 'greylisting, one of two relays is exempt',
    configuration: {
      mainCf: [
        `smtpd_recipient_restrictions = reject_unlisted_recipient, check_client_access inline:{127.0.0.10=permit}, check_policy_service inet:127.0.0.1:${greylist.port}`,
      ],
    },
    sources: twoSources,
    expected: { 'no-greylisting': 'violated greylisting' },
    remedied: ['no-greylisting'],
  },
  {
    name: 'only one of two relays may connect',
    configuration: {
      mainCf: ['smtpd_client_restrictions = check_client_access inline:{127.0.0.11=REJECT}'],
    },
    sources: twoSources,
    expected: { 'relay-net-coverage': 'violated' },
    remedied: ['relay-net-coverage'],
  },
  {
    name: 'the banner refuses',
    configuration: {
      mainCf: [
        'smtpd_delay_reject = no',
        'smtpd_client_restrictions = check_client_access inline:{127.0.0.11=REJECT}',
      ],
    },
    ...one,
    expected: { 'banner-220': 'violated', 'rcpt-existing-accepted': 'undetermined no-dialog' },
    remedied: ['banner-220'],
  },
  {
    name: 'EHLO is refused',
    configuration: {
      mainCf: [
        'smtpd_delay_reject = no',
        'smtpd_helo_restrictions = check_helo_access inline:{mailrelay1.example.org=REJECT}',
      ],
    },
    ...one,
    expected: { 'banner-220': 'met', 'ehlo-ok': 'violated' },
    remedied: ['ehlo-ok'],
  },
  {
    name: 'the client is refused at MAIL',
    configuration: {
      mainCf: [
        'smtpd_delay_reject = no',
        'smtpd_sender_restrictions = check_client_access inline:{127.0.0.11=REJECT}',
      ],
    },
    ...one,
    expected: { 'ehlo-ok': 'met', 'client-policy': 'violated' },
    remedied: ['client-policy'],
  },
  {
    name: 'the null sender is refused',
    configuration: {
      mainCf: ['smtpd_sender_restrictions = check_sender_access inline:{{<> = REJECT no bounces}}'],
    },
    ...one,
    expected: {
      'null-sender': 'violated refused',
      'sender-consistency': 'violated depends-on-sender',
    },
    remedied: ['null-sender', 'sender-consistency'],
  },
  {
    name: 'its own domain is refused as sender',
    configuration: {
      mainCf: [
        'smtpd_sender_restrictions = check_sender_access inline:{{inst.example = REJECT not from outside}}',
      ],
    },
    ...one,
    expected: { 'own-domain-sender': 'violated refused', 'null-sender': 'met' },
    remedied: ['own-domain-sender'],
  },
  {
    name: 'errors are slowed down from the first one on',
    configuration: { mainCf: ['smtpd_soft_error_limit = 1', 'smtpd_error_sleep_time = 3s'] },
    expected: { 'no-tarpit': 'violated tarpit' },
    remedied: ['no-tarpit'],
  },
  {
    name: 'two connections and five mails for each client',
    configuration: {
      mainCf: [
        'smtpd_client_connection_count_limit = 2',
        'smtpd_client_message_rate_limit = 5',
        'smtpd_client_event_limit_exceptions =',
      ],
    },
    limits: { maxConnections: 5 },
    expected: {
      'no-rate-limit-connections': 'violated connection-count',
      'no-rate-limit-messages': 'violated message-rate',
    },
    remedied: ['no-rate-limit-connections', 'no-rate-limit-messages'],
  },
  {
    name: 'eight connections in a minute',
    configuration: {
      mainCf: ['smtpd_client_connection_rate_limit = 8', 'smtpd_client_event_limit_exceptions ='],
    },
    limits: { maxConnections: 5 },
    expected: { 'no-rate-limit-connections': 'violated connection-rate' },
    remedied: ['no-rate-limit-connections'],
  },
  {
    name: 'the relay is trusted, and may send anywhere',
    configuration: { mainCf: ['mynetworks = 127.0.0.0/8'] },
    expected: { 'open-relay': 'undetermined suspect' },
  },
  {
    name: 'SIZE is not offered',
    configuration: { mainCf: ['smtpd_discard_ehlo_keywords = size, starttls'] },
    expected: {
      'size-ehlo': 'undetermined no-number',
      'size-mail-param': 'undetermined not-offered',
      'starttls-offered': 'violated',
    },
  },
  {
    name: 'IPv6 in the DNS, but not at the server',
    configuration: { mainCf: [] },
    addresses: { a: ['127.0.0.1'], aaaa: ['::1'] },
    expected: { 'tcp-connect-v4': 'met', 'tcp-connect-v6': 'violated' },
    remedied: ['tcp-connect-v6'],
  },
  {
    name: 'spam is refused after DATA (body_checks)',
    configuration: {
      mainCf: ['body_checks = regexp:/etc/postfix/body_checks'],
      files: { body_checks: '/XJS\\*C4JDBQADN1/ REJECT this is spam\n' },
    },
    maySend: true,
    expected: { 'data-clean': 'met', 'data-spam': 'violated data-rejection' },
  },
  {
    name: 'spam is refused after DATA (a milter)',
    configuration: { mainCf: [`smtpd_milters = inet:127.0.0.1:${milter.port}`] },
    maySend: true,
    expected: { 'data-clean': 'met', 'data-spam': 'violated data-rejection' },
    remedied: ['data-spam'],
  },
  {
    name: 'LF.LF ends a mail',
    configuration: { mainCf: ['smtpd_forbid_bare_newline = no'] },
    maySend: true,
    expected: { smuggling: 'violated' },
    remedied: ['smuggling'],
  },
  {
    name: 'LF.LF ends a mail of those that are trusted',
    configuration: {
      mainCf: ['smtpd_forbid_bare_newline = normalize', 'mynetworks = 127.0.0.0/8'],
    },
    maySend: true,
    expected: { smuggling: 'violated' },
    remedied: ['smuggling'],
  },
  {
    name: 'twenty recipients of a mail',
    configuration: {
      mainCf: ['smtpd_recipient_limit = 20'],
    },
    maySend: true,
    expected: { 'rcpt-multi': 'violated few-recipients', transparency: 'met', 'data-spf': 'met' },
    remedied: ['rcpt-multi'],
  },
  {
    name: 'VRFY tells who is there',
    configuration: { mainCf: ['disable_vrfy_command = no'] },
    expected: { 'vrfy-expn': 'violated by-difference', subaddressing: 'met' },
    remedied: ['vrfy-expn'],
  },
  {
    name: 'nobody is postmaster of a virtual domain',
    configuration: {
      mainCf: [
        'mydestination = localhost',
        'virtual_mailbox_domains = inst.example',
        'virtual_mailbox_maps = inline:{ { anna@inst.example = anna } }',
        'virtual_transport = discard:',
      ],
    },
    expected: { 'rcpt-existing-accepted': 'met', postmaster: 'violated refused' },
    remedied: ['postmaster'],
  },
  {
    name: 'nobody is postmaster of a domain that is passed on',
    configuration: {
      mainCf: [
        'mydestination = localhost',
        'relay_domains = inst.example',
        'relay_recipient_maps = inline:{ { anna@inst.example = anna } }',
        'relay_transport = discard:',
      ],
    },
    expected: { 'rcpt-existing-accepted': 'met', postmaster: 'violated refused' },
    remedied: ['postmaster'],
  },
  {
    name: 'a table refuses what comes for postmaster',
    configuration: {
      mainCf: [
        'smtpd_recipient_restrictions = check_recipient_access inline:{ { postmaster@ = REJECT write to the help desk } }',
      ],
    },
    expected: { postmaster: 'violated refused' },
    remedied: ['postmaster'],
  },
]

// One authority for all of them; each certificate is wrong in its own way.
const authority = await createAuthority()
const intermediate = await authority.issueIntermediate()
after(() => authority[Symbol.asyncDispose]())
const names = [mailHost]
const certificates = {
  good: await authority.issue({ names }),
  expired: await authority.issue({ names, isExpired: true }),
  elsewhere: await authority.issue({ names: ['www.inst.example'] }),
  own: await authority.issue({ names, isSelfSigned: true }),
  incomplete: await authority.issue({ names, signer: intermediate }),
}
const ca = [authority.ca.certificate]

function withTls({ certificatePath, keyPath }: CertificateFiles): PostfixConfiguration {
  return {
    mainCf: [
      `smtpd_tls_chain_files = ${keyPath}, ${certificatePath}`,
      'smtpd_tls_security_level = may',
    ],
  }
}

const tlsRows: readonly Row<PostfixConfiguration>[] = [
  {
    name: 'no TLS',
    configuration: { mainCf: [] },
    expected: {
      'starttls-offered': 'violated',
      'starttls-handshake': 'not-applicable',
      'tls-chain': 'not-applicable',
    },
    remedied: ['starttls-offered'],
  },
  {
    name: 'a certificate of an authority nobody knows',
    configuration: withTls(certificates.good),
    expected: {
      'starttls-handshake': 'met',
      'tls-chain': 'violated',
      'tls-hostname': 'met',
      'tls-expiry': 'met',
    },
  },
  {
    name: 'a certificate signed by itself',
    configuration: withTls(certificates.own),
    ca,
    expected: {
      'starttls-handshake': 'met',
      'tls-chain': 'violated self-signed',
      'tls-hostname': 'met',
    },
    remedied: ['tls-chain'],
  },
  {
    name: 'the certificate has expired',
    configuration: withTls(certificates.expired),
    ca,
    expected: {
      'starttls-handshake': 'met',
      'tls-expiry': 'violated expired',
      'tls-hostname': 'met',
    },
    remedied: ['tls-expiry'],
  },
  {
    name: 'the certificate is for another name',
    configuration: withTls(certificates.elsewhere),
    ca,
    expected: { 'tls-chain': 'met', 'tls-hostname': 'violated wrong-name' },
    remedied: ['tls-hostname'],
  },
  {
    name: 'the intermediate certificate is missing',
    configuration: withTls(certificates.incomplete),
    ca,
    expected: { 'tls-chain': 'violated incomplete-chain', 'tls-hostname': 'met' },
    remedied: ['tls-chain'],
  },
  {
    name: 'STARTTLS is offered, and the key cannot be read',
    configuration: withTls({ ...certificates.good, keyPath: '/nonexistent/mail.key' }),
    ca,
    expected: {
      'starttls-offered': 'met',
      'starttls-handshake': 'violated',
      'tls-chain': 'undetermined no-handshake',
    },
    remedied: ['starttls-handshake'],
  },
]

/** The files of the snippet are the good ones of the bench. */
function applyTls(
  configuration: PostfixConfiguration,
  snippets: readonly ShownSnippet[],
): PostfixConfiguration {
  const { certificatePath, keyPath } = certificates.good
  const here = snippets.map((snippet) => ({
    ...snippet,
    code: snippet.code
      .replace('/etc/ssl/private/mail.key', keyPath)
      .replace('/etc/ssl/mail-fullchain.pem', certificatePath),
  }))
  return applyToPostfix(configuration, here)
}

testRows(bench, rows, others)
testRows({ ...bench, apply: applyTls }, tlsRows)
checkApplied(import.meta.filename)

function others(): void {
  // An institute's gateway asks the mailbox server behind it, and says 450 for whom that one does not know.
  test('asks a server behind it', { timeout: 60_000 }, async () => {
    await using behind = await start({ mainCf: [] })
    const mainCf = [
      'mydestination =',
      'relay_domains = inst.example',
      'relay_transport = smtp:[127.0.0.1]:' + String(behind.port),
      'smtpd_recipient_restrictions = reject_unverified_recipient',
      'address_verify_poll_delay = 1s',
      'address_verify_negative_refresh_time = 1s',
    ]
    const expected = {
      'rcpt-existing-accepted': 'met',
      'rcpt-unknown-permanent': 'violated tempfail-for-unknown',
    } as const
    await tryOut(bench, {
      name: 'gateway',
      configuration: { mainCf },
      expected,
      remedied: ['rcpt-unknown-permanent'],
    })
  })

  test('asks back for senders', { timeout: 60_000 }, async () => {
    await using behind = await start({ mainCf: [] })
    await tryOut(bench, {
      name: 'callback',
      configuration: {
        mainCf: [
          `transport_maps = inline:{{probe.example.org = smtp:[127.0.0.1]:${behind.port}}}`,
          'smtpd_sender_restrictions = reject_unverified_sender',
          'address_verify_poll_delay = 1s',
        ],
      },
      ...one,
      expected: { 'null-sender': 'met', 'no-sender-callback': 'violated callback' },
      remedied: ['no-sender-callback'],
    })
  })

  test('the good control', { timeout: 90_000 }, async () => {
    await using server = await goodServers.postfix.start(programs, certificates.good)
    const report = await examine(server, 'all', { ca, maySend: true })
    assertGood(report)
    assertFindings(report, { smuggling: 'met', 'vrfy-expn': 'met' })
  })
}
