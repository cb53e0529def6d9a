// As sample-events.ts, for what is decided about clients before their session.

import type { GreetingEvent } from '#greeting/greeting.ts'

const client = { address: '192.0.2.7', port: 40112 }

export const sampleGreetingEvents: {
  readonly [Kind in GreetingEvent['kind']]: Extract<GreetingEvent, { readonly kind: Kind }>
} = {
  'client-denied': {
    kind: 'client-denied',
    client,
    mode: 'enforce',
    reply: '521 5.7.1 mailrelay1.example.org does not accept mail from [192.0.2.7]',
    entry: '192.0.2.0/24',
    isRepeated: false,
  },
  'client-limited': {
    kind: 'client-limited',
    client,
    mode: 'enforce',
    reply: '421 4.7.0 mailrelay1.example.org at most 50 connections at a time from 192.0.2.7',
    check: 'connections',
    network: '192.0.2.7',
    maxCount: 50,
    isRepeated: false,
  },
  'client-pregreeted': {
    kind: 'client-pregreeted',
    client,
    mode: 'observe',
    reply: '521 5.5.1 mailrelay1.example.org protocol error: the client spoke before the banner',
    line: 'EHLO dynamic-7.sender.example\r\n',
    tookMs: 103.9,
  },
  'client-listed': {
    kind: 'client-listed',
    client,
    mode: 'observe',
    reply:
      '521 5.7.1 mailrelay1.example.org does not accept mail from [192.0.2.7]: listed by bl.example',
    score: 3,
    zones: ['bl.example'],
  },
  'client-passed': {
    kind: 'client-passed',
    client,
    checks: ['pregreet', 'dnsbl'],
    score: -2,
    zones: ['wl.example'],
    failedZones: ['bl.example'],
    tookMs: 6102.3,
  },
  'client-left-early': { kind: 'client-left-early', client, tookMs: 2003.5 },
  'client-untested': {
    kind: 'client-untested',
    client,
    waitingCount: 1000,
    isRepeated: false,
  },
  'dns-list-down': { kind: 'dns-list-down', zone: 'bl.example', detail: 'timeout' },
  'dns-list-up': { kind: 'dns-list-up', zone: 'bl.example' },
  'access-file-read': {
    kind: 'access-file-read',
    file: '/etc/pforte/networks',
    entryCount: 12,
  },
  'access-file-failed': {
    kind: 'access-file-failed',
    file: '/etc/pforte/networks',
    detail: "line 3: '192.0.2.0/33': the length behind the slash is at most 32",
  },
  'greeting-store-failed': {
    kind: 'greeting-store-failed',
    error: 'database or disk is full',
  },
}
