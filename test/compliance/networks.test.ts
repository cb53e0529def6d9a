// Relay networks of their own, IPv4 and IPv6: loopback hides what a server does to some addresses only.

import { after, test } from 'node:test'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { startDnsServer } from '../support/dns-server.ts'
import { checkApplied } from './support/applied.ts'
import {
  applyToCourier,
  startExaminedCourier,
  type CourierConfiguration,
} from './support/courier.ts'
import { testRows, type Row } from './support/examine.ts'
import { applyToExim, startExaminedExim, type EximConfiguration } from './support/exim.ts'
import { addresses, isInside, networks, runInside, sources } from './support/own-network.ts'
import { postfixBench, type PostfixConfiguration } from './support/postfix.ts'

const programs = findPrograms('postfix', 'exim', 'exim-debian', 'courier', 'iproute2')
const skip = skipReason(programs, 'postfix', 'exim', 'exim-debian', 'courier', 'iproute2')

if (!isInside) {
  test('relay networks of their own', { skip, timeout: 240_000 }, () =>
    runInside(programs, import.meta.filename),
  )
} else {
  checkApplied(import.meta.filename)
  describePostfix()
  describeExim()
  await describeCourier()
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
  testRows(postfixBench(programs, skip), rows.map(fromNetworks))
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

/** Courier knows one resolver, at port 53. */
async function describeCourier(): Promise<void> {
  const zone = await startDnsServer(
    {
      '10.100.51.198.blocked.example': { a: ['127.0.0.2'] },
      'example.com': { raw: { 16: [characterString('v=spf1 -all')] } },
    },
    53,
  )
  after(() => zone.close())
  const files = { 'resolv.conf': 'nameserver 127.0.0.1\n' }
  const everywhere = ['TARPIT=0', 'ADDRESS=0']
  const bofh = (option: string): string =>
    `opt ${option}=pass,none,neutral,softfail,unknown,error\n`
  const rows: readonly Row<CourierConfiguration>[] = [
    {
      name: 'it listens on loopback',
      configuration: { esmtpd: ['TARPIT=0', 'ADDRESS=127.0.0.1'] },
      addresses: { a: ['127.0.0.1', ...addresses.a], aaaa: addresses.aaaa },
      expected: { 'tcp-connect-v4': 'violated refused', 'tcp-connect-v6': 'violated refused' },
      remedied: ['tcp-connect-v4', 'tcp-connect-v6'],
    },
    {
      name: 'an address of the relays is on a block list',
      configuration: {
        esmtpd: [...everywhere, 'BLACKLISTS=-block=blocked.example,BLOCK,Blocked'],
        files,
      },
      expected: { 'relay-net-coverage': 'violated single-addresses' },
      remedied: ['relay-net-coverage'],
    },
    {
      name: 'SPF of the sender is checked',
      configuration: {
        esmtpd: everywhere,
        files: { ...files, bofh: bofh('BOFHSPFMAILFROM') },
      },
      expected: { 'rcpt-existing-accepted': 'met', 'no-spf-on-relayed': 'violated spf' },
      remedied: ['no-spf-on-relayed'],
    },
    {
      name: 'SPF of the author is checked, after the content',
      configuration: { esmtpd: everywhere, files: { ...files, bofh: bofh('BOFHSPFFROM') } },
      maySend: true,
      expected: { 'data-clean': 'met', 'data-spf': 'violated data-rejection' },
      remedied: ['data-spf'],
    },
  ]
  const start = (configuration: CourierConfiguration): ReturnType<typeof startExaminedCourier> =>
    startExaminedCourier(prefixOf(programs, 'courier'), configuration)
  testRows({ program: 'Courier', skip, start, apply: applyToCourier }, rows.map(fromNetworks))
}

/** RFC 1035 §3.3. */
function characterString(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
}

function fromNetworks<Configuration>(row: Row<Configuration>): Row<Configuration> {
  return { sources, addresses, networks, ...row }
}
