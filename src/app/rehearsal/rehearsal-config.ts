// The configuration of the relay that is rehearsed: as the real one, but nothing of it looks anything up,
// waits on purpose or keeps anything.

import type { Config } from '#config/config.ts'

/** More than it opens at a time. */
const minSessionCount = 100

export function rehearsalConfig(config: Config, folder: string): Config {
  const { greeting, guessing, limits, policy, spool, tls } = config
  return {
    ...config,
    listen: [],
    workers: 0,
    state: folder,
    postmaster: null,
    tls: { ...tls, ca: null, clients: 'off' },
    // All its sessions come from one address, and it sends more than any client may.
    limits: { ...limits, maxSessionCount: Math.max(limits.maxSessionCount, minSessionCount) },
    guessing: { ...guessing, mode: 'off' },
    greeting: {
      ...greeting,
      exempt: ['127.0.0.1'],
      access: { ...greeting.access, mode: 'off', file: null },
      pregreet: { ...greeting.pregreet, mode: 'off' },
      dnsbl: { ...greeting.dnsbl, mode: 'off' },
    },
    policy: {
      ...policy,
      modes: {
        'reverse-dns-missing': 'off',
        'reverse-dns-inconsistent': 'off',
        'dynamic-address': 'off',
        'sender-domain-missing': 'off',
        'sender-null-mx': 'off',
      },
      exceptions: null,
      greylisting: { ...policy.greylisting, mode: 'off' },
    },
    spool: { ...spool, folder },
    metrics: { listen: null },
  }
}
