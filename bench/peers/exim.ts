// Exim as an inbound relay, in two ways: delivery while the client waits (callout with use_sender and
// cutthrough_delivery, which needs no spool), and spool with a callout.

import { execFileSync } from 'node:child_process'
import { startExim } from '../../test/interop/support/exim.ts'
import { makeFolder } from '../../test/interop/support/daemon.ts'
import type { Peer } from './peer.ts'

/** `prefix`: '' for the system's own. */
export function exim(prefix: string, way: 'cut-through' | 'spool'): Peer {
  const isCutThrough = way === 'cut-through'
  return {
    name: isCutThrough ? 'Exim, cut-through' : 'Exim, spool',
    version: versionOf(prefix),
    note: isCutThrough
      ? 'callout with use_sender, cutthrough_delivery; 250: the next hop has it'
      : 'callout; 250: synced to its spool',
    abilities: new Set(
      isCutThrough ? ['verifies', 'starttls', 'sessions'] : ['verifies', 'keeps', 'sessions'],
    ),
    maxSessionCount: 180,
    start: async ({ domain, targetPort, certificate }) => {
      const folder = makeFolder('exim-bench')
      const config = relayConfig({ domain, targetPort, isCutThrough, ...certificate })
      return await startExim(prefix, folder, config, { isIsolated: true })
    },
  }
}

function versionOf(prefix: string): string {
  const text = execFileSync(`${prefix}/usr/sbin/exim4`, ['-C', '/dev/null', '-bV'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return /version (\S+)/.exec(text)?.[1] ?? 'unknown'
}

interface RelayConfig {
  readonly domain: string
  readonly targetPort: number
  readonly isCutThrough: boolean
  readonly certificatePath: string
  readonly keyPath: string
}

function relayConfig(options: RelayConfig): string {
  const { domain, targetPort, isCutThrough } = options
  return `
primary_hostname = mx.${domain}
domainlist served = ${domain}
acl_smtp_rcpt = recipient
smtp_connect_backlog = 1024
tls_advertise_hosts = *
tls_certificate = ${options.certificatePath}
tls_privatekey = ${options.keyPath}

begin acl
recipient:
  deny    domains = !+served
          message = 550 5.7.1 relaying denied
  accept  ${isCutThrough ? 'control = cutthrough_delivery' : ''}
          verify = recipient/callout=30s${isCutThrough ? ',use_sender' : ''}
  deny    message = unknown recipient

begin routers
inside:
  driver = manualroute
  domains = +served
  route_list = * 127.0.0.1 byname
  self = send
  transport = inside

begin transports
inside:
  driver = smtp
  port = ${targetPort}
  allow_localhost
  hosts_avoid_tls = *
  hosts_try_dane =

begin retry
* * F,2h,15m
`
}
