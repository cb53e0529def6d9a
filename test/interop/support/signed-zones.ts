// A signed root and zones below it (Knot), and a resolver that verifies them (unbound), both on loopback: the
// chain of DNSSEC is real, from the trust anchor of the resolver to the records.

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { queryDns, type NameServer } from '../../../src/dns/query.ts'
import { freePort, makeFolder, removeFolder, startDaemon, type Daemon } from './daemon.ts'
import { isRoot, mailboxOwner } from './programs.ts'

export interface SignedZones extends AsyncDisposable {
  readonly authoritative: NameServer
  readonly resolver: NameServer
}

/**
 * Top-level zones by name, each with its records as in a zone file below `$ORIGIN name.`. `signed` has a DS
 * in the root, `bogus` a wrong one, `insecure` none.
 */
export async function startSignedZones(
  prefixes: { readonly knot: string; readonly unbound: string },
  zones: Readonly<Record<'signed' | 'bogus' | 'insecure', readonly string[]>>,
): Promise<SignedZones> {
  const folder = makeFolder('dnssec')
  const [knotPort, unboundPort] = [await freePort(), await freePort()]
  const configuration = join(folder, 'knot.conf')
  for (const name of ['zones', 'keys', 'run']) mkdirSync(join(folder, name))
  writeFileSync(configuration, knotConfiguration(folder, knotPort))
  const keymgr = (...args: readonly string[]): string =>
    execFileSync(join(prefixes.knot, 'usr/sbin/keymgr'), ['-c', configuration, ...args], {
      encoding: 'utf8',
    })
  const keyOf = (zone: string): string => {
    keymgr(zone, 'generate', 'algorithm=ecdsap256sha256', 'ksk=yes', 'zsk=yes')
    // `signed. DS 12345 13 2 HEX`; the one with SHA-256.
    return (
      keymgr(zone, 'ds')
        .split('\n')
        .find((line) => / 13 2 /.test(line)) ?? ''
    )
  }
  const anchor = keyOf('.')
  const ds = keyOf('signed.')
  const wrong = keyOf('bogus.').replace(/(.)$/, (digit) => (digit === '0' ? '1' : '0'))
  const delegations = Object.keys(zones).map(
    (name) => `${name}. NS ns.${name}.\nns.${name}. A 127.0.0.1`,
  )
  const inRoot = [ds, wrong].map((line) => line.replace(' DS ', ' 3600 IN DS '))
  writeFileSync(join(folder, 'zones', 'root'), zoneFile('.', [...delegations, ...inRoot]))
  for (const [name, records] of Object.entries(zones)) {
    writeFileSync(join(folder, 'zones', name), zoneFile(`${name}.`, records))
  }
  const authoritative = { address: '127.0.0.1', port: knotPort }
  const resolver = { address: '127.0.0.1', port: unboundPort }
  const knot = await startDaemon({
    command: [join(prefixes.knot, 'usr/sbin/knotd'), '-c', configuration],
    folder,
    port: knotPort,
    user: isRoot() ? 'root' : mailboxOwner(),
    isUp: async () => await answers(authoritative, 'ns.signed'),
  })
  const settings = join(folder, 'unbound.conf')
  writeFileSync(settings, unboundConfiguration(folder, unboundPort, knotPort, anchor))
  let unbound: Daemon
  try {
    unbound = await startDaemon({
      command: [join(prefixes.unbound, 'usr/sbin/unbound'), '-d', '-p', '-c', settings],
      folder,
      port: unboundPort,
      user: isRoot() ? 'root' : mailboxOwner(),
      isUp: async () => await answers(resolver, 'ns.insecure'),
    })
  } catch (error) {
    await knot[Symbol.asyncDispose]()
    throw error
  }
  return {
    authoritative,
    resolver,
    [Symbol.asyncDispose]: async () => {
      await unbound[Symbol.asyncDispose]()
      await knot[Symbol.asyncDispose]()
      removeFolder(folder)
    },
  }
}

async function answers(server: NameServer, name: string): Promise<boolean> {
  const reply = await queryDns({
    server,
    name,
    type: 'A',
    isRecursive: true,
    timeoutMs: 500,
    attemptCount: 1,
    signal: AbortSignal.timeout(1000),
  })
  return reply.kind === 'reply' && reply.answers.length > 0
}

function zoneFile(origin: string, records: readonly string[]): string {
  const dot = origin === '.' ? '' : `.${origin}`
  const server = origin === '.' ? 'ns.root-servers.' : `ns${dot}`
  return `$ORIGIN ${origin}
$TTL 3600
@ SOA ${server} hostmaster.root-servers. 1 3600 900 604800 300
@ NS ${server}
${server} A 127.0.0.1
${records.join('\n')}
`
}

function knotConfiguration(folder: string, port: number): string {
  const zone = (name: string, file: string, isSigned: boolean): string =>
    `  - domain: ${name}
    file: ${join(folder, 'zones', file)}
    dnssec-signing: ${isSigned ? 'on' : 'off'}
    dnssec-policy: own
    zonefile-load: difference
    zonefile-sync: -1
    journal-content: all
`
  return `server:
    listen: 127.0.0.1@${port}
    rundir: ${join(folder, 'run')}
log:
  - target: stderr
    any: info
database:
    storage: ${join(folder, 'keys')}
policy:
  - id: own
    manual: on
    single-type-signing: on
    nsec3: off
zone:
${zone('.', 'root', true)}${zone('signed.', 'signed', true)}${zone('bogus.', 'bogus', true)}${zone('insecure.', 'insecure', false)}`
}

function unboundConfiguration(
  folder: string,
  port: number,
  knotPort: number,
  anchor: string,
): string {
  const stubs = ['.', 'signed.', 'bogus.', 'insecure.'].map(
    (name) => `stub-zone:
  name: "${name}"
  stub-addr: 127.0.0.1@${knotPort}
  stub-prime: no
`,
  )
  return `server:
  interface: 127.0.0.1@${port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  directory: "${folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-ip6: no
  num-threads: 1
  module-config: "validator iterator"
  trust-anchor: "${anchor.trim().replace(' DS ', ' IN DS ')}"
remote-control:
  control-enable: no
${stubs.join('')}`
}
