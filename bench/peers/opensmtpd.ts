// OpenSMTPD as an inbound relay. It does not ask for recipients, and does not sync its queue.

import { spawnSync } from 'node:child_process'
import { startOpenSmtpd } from '../../test/interop/support/opensmtpd.ts'
import { makeFolder } from '../../test/interop/support/daemon.ts'
import type { Peer } from './peer.ts'

/** `prefix`: '' for the system's own. */
export function openSmtpd(prefix: string): Peer {
  const { stdout, stderr } = spawnSync(`${prefix}/usr/sbin/smtpd`, ['-h'], { encoding: 'utf8' })
  return {
    name: 'OpenSMTPD',
    version: /version: OpenSMTPD (\S+)/.exec(stdout + stderr)?.[1] ?? 'unknown',
    note: 'asks for nobody; 250: in its queue, not synced',
    abilities: new Set(['sessions']),
    maxSessionCount: 1000,
    start: async ({ domain, targetPort }) =>
      await startOpenSmtpd(prefix, makeFolder('opensmtpd-bench'), `mx.${domain}`, [
        'smtp limit max-mails 100000',
        `action "inside" relay host "smtp://127.0.0.1:${targetPort}"`,
        `match from any for domain "${domain}" action "inside"`,
      ]),
  }
}
