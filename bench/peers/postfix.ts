// Postfix as an inbound relay: recipients verified by probes, queue, delivery. As its manual says
// (ADDRESS_VERIFICATION_README), all else at its defaults.

import { execFileSync } from 'node:child_process'
import { startPostfix } from '../../test/interop/support/postfix.ts'
import { makeFolder } from '../../test/interop/support/daemon.ts'
import type { Peer } from './peer.ts'

/** `prefix`: '' for the system's own. */
export function postfix(prefix: string): Peer {
  return {
    name: 'Postfix',
    version: execFileSync(`${prefix}/usr/sbin/postconf`, ['-d', '-h', 'mail_version'], {
      encoding: 'utf8',
      env: { LD_LIBRARY_PATH: `${prefix}/usr/lib/postfix`, PATH: '/usr/sbin:/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim(),
    note: 'reject_unverified_recipient; 250: synced to its queue',
    abilities: new Set(['verifies', 'keeps', 'starttls', 'sessions']),
    maxSessionCount: 100,
    start: async ({ domain, targetPort, certificate }) => {
      const folder = makeFolder('postfix-bench')
      const settings = [
        `myhostname = mx.${domain}`,
        'mynetworks = 192.0.2.1/32', // the generator plays the Internet
        `relay_domains = ${domain}`,
        `transport_maps = inline:{ { ${domain} = relay:[127.0.0.1]:${targetPort} } }`,
        'smtpd_relay_restrictions = reject_unauth_destination',
        'smtpd_recipient_restrictions = reject_unverified_recipient',
        'unverified_recipient_reject_code = 550',
        'smtpd_tls_security_level = may',
        `smtpd_tls_chain_files = ${certificate.keyPath}, ${certificate.certificatePath}`,
        'in_flow_delay = 1s', // its default, which the tests turn off
      ]
      return await startPostfix(prefix, folder, settings, { maxSessionCount: 200 })
    },
  }
}
