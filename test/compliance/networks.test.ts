// Relay networks of their own, IPv4 and IPv6: loopback hides what a server does to some addresses only. This file runs once
// more, as a program of its own in a network namespace in which addresses of two documentation prefixes are local.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { isIPv6 } from 'node:net'
import { test } from 'node:test'
import { asRoot, findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { testRows, type Row } from './support/examine.ts'
import { applyToExim, startExaminedExim, type EximConfiguration } from './support/exim.ts'
import {
  applyToPostfix,
  startExaminedPostfix,
  type PostfixConfiguration,
} from './support/postfix.ts'

const programs = findPrograms('postfix', 'exim', 'exim-debian', 'iproute2')
const skip = skipReason(programs, 'postfix', 'exim', 'exim-debian', 'iproute2')
const networks = ['198.51.100.0/23', '2001:db8:103::/64']
/** In both halves of the /23, and two anywhere in the /64. */
const sources = ['198.51.100.10', '198.51.101.77', '2001:db8:103::10', '2001:db8:103::beef:1']
const addresses = { a: ['198.51.100.25'], aaaa: ['2001:db8:103::25'] }
const inside = 'PFORTE_TEST_NETWORK'

if (process.env[inside] === undefined) {
  test('relay networks of their own', { skip, timeout: 240_000 }, runInside)
} else {
  describePostfix()
  describeExim()
}

function runInside(): void {
  const ip = `${prefixOf(programs, 'iproute2')}/bin/ip`
  const script = `
    "$1" link set lo up
    "$1" route add local ${networks[0]} dev lo
    for each in ${[...sources, ...addresses.aaaa].filter(isIPv6).join(' ')}; do
      "$1" -6 address add $each/128 dev lo nodad # a route alone lets nobody bind to it, other than with IPv4
    done
    exec "$2" --test-reporter=tap "$3"`
  const command = ['unshare', '--net', 'sh', '-ec', script, 'sh', ip, process.execPath]
  const environment = [`HOME=${process.env['HOME'] ?? ''}`, `${inside}=1`]
  const path = `PATH=${process.env['PATH'] ?? ''}`
  const [program = '', ...parameters] = asRoot(['env', '-i', path, ...environment, ...command])
  const file = import.meta.filename
  const run = spawnSync(program, [...parameters, file], { encoding: 'utf8', timeout: 200_000 })
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`)
  assert.match(run.stdout, /^# pass [1-9]/m)
}

/** `inet_interfaces = all` is this namespace's loopback here. */
function describePostfix(): void {
  const everywhere = ['inet_interfaces = all', 'inet_protocols = all']
  const rows: readonly Row<PostfixConfiguration>[] = [
    {
      name: 'the whole network may connect, over IPv4 and IPv6',
      configuration: { mainCf: everywhere },
      expected: {
        'tcp-connect-v4': 'met',
        'tcp-connect-v6': 'met',
        'relay-net-coverage': 'met',
        'rcpt-existing-accepted': 'met',
        'rcpt-unknown-rejected': 'met',
        'no-greylisting': 'met',
      },
    },
    {
      name: 'only one address of the relays is exempt',
      configuration: {
        mainCf: [
          ...everywhere,
          'smtpd_client_restrictions = check_client_access inline:{198.51.100.10=OK}, reject',
        ],
      },
      expected: {
        'tcp-connect-v6': 'met',
        'relay-net-coverage': 'violated single-addresses',
        'rcpt-existing-accepted': 'violated refused',
      },
      remedied: ['relay-net-coverage'],
    },
    {
      name: 'a /24 instead of the /23, and no IPv6',
      configuration: {
        mainCf: [
          ...everywhere,
          'smtpd_client_restrictions = check_client_access cidr:/etc/postfix/half.cidr, reject',
        ],
        files: { 'half.cidr': '198.51.100.0/24 OK\n' },
      },
      expected: { 'relay-net-coverage': 'violated single-addresses' },
      remedied: ['relay-net-coverage'],
    },
    {
      name: 'whoever comes by IPv6 may send to everybody',
      configuration: {
        mainCf: [
          ...everywhere,
          'smtpd_recipient_restrictions = check_client_access cidr:/etc/postfix/v6.cidr',
          'smtpd_reject_unlisted_recipient = no',
        ],
        files: { 'v6.cidr': '2001:db8::/32 OK\n0.0.0.0/0 reject_unlisted_recipient\n' },
      },
      expected: {
        'rcpt-existing-accepted': 'met',
        'rcpt-unknown-rejected': 'violated accepts-unknown',
      },
    },
    {
      name: 'IPv6 in the DNS, IPv4 at the server',
      configuration: { mainCf: ['inet_interfaces = all', 'inet_protocols = ipv4'] },
      expected: { 'tcp-connect-v4': 'met', 'tcp-connect-v6': 'violated refused' },
    },
  ]
  const start = (configuration: PostfixConfiguration): ReturnType<typeof startExaminedPostfix> =>
    startExaminedPostfix(prefixOf(programs, 'postfix'), configuration)
  testRows({ program: 'Postfix', skip, start, apply: applyToPostfix }, rows.map(fromNetworks))
}

function describeExim(): void {
  const localInterfaces = '<; 127.0.0.1 ; 198.51.100.25 ; 2001:db8:103::25'
  const rows: readonly Row<EximConfiguration>[] = [
    {
      name: 'as Debian installs it',
      configuration: { localInterfaces },
      expected: {
        'tcp-connect-v4': 'met',
        'tcp-connect-v6': 'met',
        'relay-net-coverage': 'met',
        'rcpt-unknown-rejected': 'met',
      },
    },
    {
      name: 'an IPv6 address of the relays is on its black list',
      configuration: {
        localInterfaces,
        files: { local_host_blacklist: '2001:db8:103::beef:1\n' },
      },
      expected: { 'relay-net-coverage': 'violated single-addresses' },
      remedied: ['relay-net-coverage'],
    },
  ]
  const start = (configuration: EximConfiguration): ReturnType<typeof startExaminedExim> =>
    startExaminedExim(
      { exim: prefixOf(programs, 'exim'), configuration: prefixOf(programs, 'exim-debian') },
      configuration,
    )
  testRows({ program: 'Exim', skip, start, apply: applyToExim }, rows.map(fromNetworks))
}

function fromNetworks<Configuration>(row: Row<Configuration>): Row<Configuration> {
  return { sources, addresses, networks, ...row }
}
