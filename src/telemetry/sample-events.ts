// One event of each kind, as it may happen: for the manual and for tests. A kind without a sample does
// not compile.

import type { PeerReply } from '#smtp/reply.ts'
import type { NextHopFacts, NoAnswer } from '#nexthop/nexthop.ts'
import type { EventKind, EventOfKind } from './pforte-event.ts'
import { sampleGreetingEvents } from './sample-greeting-events.ts'

const session = '0D3K7Q2M0A7F2'
const mail = `${session}.1`
const client = { address: '192.0.2.7', port: 40112 }
const listener = { address: '2001:db8::25', port: 25 }
const server = 'mail.inst.example'
const route = 'mail.inst.example:25 opportunistic'

const noMailbox: PeerReply = { code: 550, status: '5.1.1', lines: ['User unknown'] }

const nextHop: NextHopFacts = {
  server,
  address: '198.51.100.4',
  port: 25,
  tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384 verified',
  extensions: null,
}

const refusedConnection: NoAnswer = {
  kind: 'io',
  stage: 'connect',
  detail: 'connect ECONNREFUSED 198.51.100.4:25',
  reply: null,
}

const bug = new RangeError('phase rcpt without recipients')
bug.stack = `${bug.name}: ${bug.message}\n    at step (src/session/step.ts:12:3)`

export const sampleEvents: { readonly [Kind in EventKind]: EventOfKind<Kind> } = {
  started: {
    kind: 'started',
    hostname: 'mailrelay1.example.org',
    listeners: [{ address: '192.0.2.1', port: 25 }, listener],
    version: '0.1.0',
  },
  listening: { kind: 'listening', listener, service: 'smtp' },
  'config-reloaded': { kind: 'config-reloaded', needsRestart: ['listen'] },
  'config-reload-failed': {
    kind: 'config-reload-failed',
    problems: ['pforte.yaml:3:1: unknown key "hostnam", did you mean "hostname"?'],
  },
  'certificates-reloaded': { kind: 'certificates-reloaded' },
  'certificates-failed': {
    kind: 'certificates-failed',
    detail: '/etc/pforte/relay.pem: the key does not belong to the certificate',
  },
  'exceptions-reloaded': { kind: 'exceptions-reloaded', entryCount: 12 },
  'exceptions-failed': {
    kind: 'exceptions-failed',
    detail:
      'cannot use policy.exceptions /etc/pforte/exceptions: line 3: no rule is called greylist',
  },
  'process-started': { kind: 'process-started', name: 'worker-1', pid: 4711 },
  'process-ended': { kind: 'process-ended', name: 'worker-1', pid: 4711, how: 'exit code 0' },
  'process-lost': { kind: 'process-lost', name: 'worker-1', pid: 4711, how: 'SIGKILL' },
  rehearsed: { kind: 'rehearsed', mailCount: 1500, tookMs: 1392.4 },
  'rehearsal-failed': {
    kind: 'rehearsal-failed',
    detail: 'listen EACCES: permission denied 127.0.0.1',
  },
  draining: { kind: 'draining', sessionCount: 3 },
  stopped: { kind: 'stopped' },
  'session-opened': { kind: 'session-opened', session, client, listener },
  'session-refused': { kind: 'session-refused', client, reason: 'too-many-sessions' },
  'strain-began': { kind: 'strain-began', sessionCount: 8000, maxSessionCount: 10_000 },
  'strain-ended': { kind: 'strain-ended', sessionCount: 6999, forMs: 42_000 },
  'guessing-seen': {
    kind: 'guessing-seen',
    network: '192.0.2.0/24',
    budget: 'unknown-recipients',
    limit: 100,
    mode: 'observe',
  },
  'shedding-began': {
    kind: 'shedding-began',
    shortage: 'descriptors-short',
    value: 90.1,
    limit: 90,
  },
  'shedding-ended': { kind: 'shedding-ended', shortage: 'descriptors-short', forMs: 12_500 },
  'accept-failed': { kind: 'accept-failed', count: 3, detail: 'accept ENOBUFS' },
  greeted: { kind: 'greeted', session, name: 'mx.sender.example', isExtended: true },
  'tls-established': {
    kind: 'tls-established',
    session,
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    resumed: false,
    clientCertificate: 'verified: DNS:mx.sender.example',
  },
  'tls-failed': { kind: 'tls-failed', session, detail: 'no shared cipher' },
  'sender-judged': {
    kind: 'sender-judged',
    session,
    mail,
    reversePath: 'alice@sender.example',
    verdict: { kind: 'reject', reason: { kind: 'too-large', maxBytes: 52_428_800 } },
    reply: `552 5.3.4 the mail is larger than 52428800 bytes (${mail})`,
  },
  'recipient-judged': {
    kind: 'recipient-judged',
    session,
    mail,
    reversePath: 'alice@sender.example',
    recipient: 'nobody@inst.example',
    verdict: {
      kind: 'reject',
      reason: { kind: 'recipient-unknown', server, reply: noMailbox },
    },
    reply: `550 5.1.1 <nobody@inst.example>: ${server} says: 550 5.1.1 User unknown`,
    source: 'live',
    tookMs: 12.34,
  },
  'rule-observed': {
    kind: 'rule-observed',
    session,
    mail,
    rule: 'reverse-dns-inconsistent',
    clientAddress: client.address,
    reversePath: 'alice@sender.example',
    recipient: 'bob@inst.example',
    verdict: {
      kind: 'defer',
      reason: {
        kind: 'reverse-dns-inconsistent',
        address: client.address,
        name: 'mail.sender.example',
      },
    },
  },
  'greylist-passed': {
    kind: 'greylist-passed',
    session,
    mail,
    clientAddress: client.address,
    waitedMs: 611_000,
  },
  'mail-finished': {
    kind: 'mail-finished',
    session,
    mail,
    clientAddress: client.address,
    greetingName: 'mx.sender.example',
    reversePath: 'alice@sender.example',
    recipients: ['bob@inst.example', 'carol@inst.example'],
    sizeBytes: 12_595,
    verdict: { kind: 'accept' },
    reply: `250 2.0.0 ${server} says: 250 2.0.0 Ok: queued as 4XyZ (${mail})`,
    receiveMs: 41.6,
    handoverMs: 35.2,
    transfers: [
      {
        server,
        address: '198.51.100.4',
        tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384 verified',
        outcome: 'relayed',
        reply: '250 2.0.0 Ok: queued as 4XyZ',
        tookMs: 34.9,
      },
    ],
    takenOver: [],
    isClientGone: false,
  },
  'protocol-error': {
    kind: 'protocol-error',
    session,
    detail: 'unknown command',
    line: 'GET / HTTP/1.1',
  },
  'session-closed': {
    kind: 'session-closed',
    session,
    client,
    reason: 'quit',
    mailCount: 1,
    commandCount: 6,
    receivedBytes: 12_811,
    durationMs: 1234.5,
  },
  'internal-error': { kind: 'internal-error', session, error: bug },
  ...sampleGreetingEvents,
  'next-hop-connected': {
    kind: 'next-hop-connected',
    route,
    nextHop,
    purpose: 'question',
    tookMs: 8.1,
    tlsPolicy: 'verify',
    tlsStanding: 'verified',
    tlsProtocol: 'TLSv1.3',
  },
  'next-hop-failed': {
    kind: 'next-hop-failed',
    route,
    nextHop: { ...nextHop, tls: null },
    cause: {
      kind: 'refused',
      stage: 'banner',
      detail: 'the banner was a refusal',
      reply: { code: 554, status: null, lines: ['not today'] },
    },
    tlsPolicy: 'opportunistic',
  },
  'next-hop-down': { kind: 'next-hop-down', route, cause: refusedConnection },
  'next-hop-up': { kind: 'next-hop-up', route, downForMs: 185_000 },
  'recipient-asked': {
    kind: 'recipient-asked',
    recipient: 'nobody@inst.example',
    outcome: { kind: 'undeliverable', reply: noMailbox },
    nextHop,
    tookMs: 11.9,
    purpose: 'rcpt',
  },
  'recipient-demoted': {
    kind: 'recipient-demoted',
    recipient: 'dave@inst.example',
    by: 'delivery',
    reply: noMailbox,
  },
  'catch-all-found': {
    kind: 'catch-all-found',
    domain: 'inst.example',
    recipient: 'pforte-k3v9x2@inst.example',
  },
  'recipient-store-failed': {
    kind: 'recipient-store-failed',
    error: 'database or disk is full',
  },
  'greylist-failed': { kind: 'greylist-failed', error: 'database disk image is malformed' },
  'alert-raised': {
    kind: 'alert-raised',
    alert: {
      kind: 'mail-delayed',
      level: 'institute',
      domain: 'inst.example',
      waitingCount: 12,
      oldestReceivedAtMs: Date.UTC(2026, 9, 5, 13),
      ageMs: 3_801_042,
      lastReply: '451 4.3.0 try again later',
      server,
    },
  },
  'alert-mail-sent': {
    kind: 'alert-mail-sent',
    alert: 'mail-delayed',
    domain: 'inst.example',
    audience: 'institute',
    recipient: 'anna@other.example',
    messageId: 'alert.0D3K7Q2M0A7F2@mailrelay1.example.org',
    server: 'mail.other.example',
    reply: '250 2.0.0 Ok: queued as 5AbC',
    tookMs: 18.2,
  },
  'alert-mail-skipped': {
    kind: 'alert-mail-skipped',
    alert: 'mail-delayed',
    domain: 'inst.example',
    audience: 'institute',
    recipient: 'postmaster@inst.example',
    reason: 'same-route',
  },
  'alert-mail-failed': {
    kind: 'alert-mail-failed',
    alert: 'mail-held',
    domain: 'inst.example',
    audience: 'operator',
    recipient: 'operator@other.example',
    messageId: 'alert.0D3K7Q2M0A7F3@mailrelay1.example.org',
    server: 'mail.other.example',
    detail: '452 4.2.2 mailbox full',
  },
  'alert-webhook-sent': {
    kind: 'alert-webhook-sent',
    alert: 'mail-held',
    domain: 'inst.example',
    attemptCount: 1,
    tookMs: 63.7,
  },
  'alert-webhook-failed': {
    kind: 'alert-webhook-failed',
    alert: 'mail-held',
    domain: 'inst.example',
    attemptCount: 3,
    detail: 'HTTP 503',
  },
  'recheck-finished': {
    kind: 'recheck-finished',
    domain: 'inst.example',
    server: 'mail.inst.example:25',
    checkCount: 43,
    suspicionCount: 1,
    tookMs: 2150.4,
  },
  'recheck-failed': {
    kind: 'recheck-failed',
    domain: 'inst.example',
    server: 'mail.inst.example:25',
    detail: 'cannot look up mail.inst.example: timeout',
  },
  'verdict-changed': {
    kind: 'verdict-changed',
    domain: 'inst.example',
    server: 'mail.inst.example:25',
    check: 'rcpt-unknown-rejected',
    severity: 'must',
    was: 'met',
    verdict: 'violated',
    detail: 'Addresses that do not exist are accepted: 250 Ok',
  },
  'spool-opened': {
    kind: 'spool-opened',
    folder: '/var/lib/pforte/spool',
    report: { entryCount: 12, orphanCount: 0 },
    tookMs: 31.4,
  },
  'spool-stopped': {
    kind: 'spool-stopped',
    detail: 'cannot write to the spool: disk I/O error',
  },
  'spool-short': { kind: 'spool-short', freeBytes: 200_000_000, freeInodeCount: 1_300_000 },
  'spool-roomy': { kind: 'spool-roomy', freeBytes: 900_000_000, freeInodeCount: 1_300_000 },
  'spool-entry-damaged': {
    kind: 'spool-entry-damaged',
    id: mail,
    detail: 'its content file is not there, expected 1048576 bytes',
  },
  'spool-salvaged': {
    kind: 'spool-salvaged',
    keptCount: 11,
    lostCount: 1,
    file: '/var/lib/pforte/spool/spool.db.damaged-1',
  },
  'spool-measured': {
    kind: 'spool-measured',
    entryCount: 12,
    waitingCount: 14,
    heldCount: 1,
    sizeBytes: 151_140,
    oldestWaitingAgeMs: 3_801_042,
  },
  'delivery-hurried': {
    kind: 'delivery-hurried',
    domain: 'inst.example',
    recipientCount: 14,
  },
  'delivery-failed': { kind: 'delivery-failed', detail: 'the spool is stopped: disk I/O error' },
  'mail-attempted': {
    kind: 'mail-attempted',
    mail,
    attempt: {
      atMs: Date.UTC(2026, 9, 5, 14),
      domain: 'inst.example',
      server,
      address: '198.51.100.4',
      tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384 verified',
      outcome: 'relayed',
      reply: '250 2.0.0 Ok: queued as 4XyZ',
      tookMs: 34.9,
    },
    relayed: ['bob@inst.example'],
    deferred: [],
    held: [],
    nextAttemptMs: null,
  },
  'registry-changed': { kind: 'registry-changed', domains: ['inst.example'] },
  'registry-unreadable': { kind: 'registry-unreadable', error: 'database disk image is malformed' },
}
