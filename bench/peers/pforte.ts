// Pforte as it comes: default settings, log to a file, metrics on.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { startRelay } from '../../test/support/relay.ts'
import type { Peer } from './peer.ts'

const manifest = path.join(import.meta.dirname, '..', '..', 'package.json')

/** `workers` as in the configuration. */
export function pforte(
  workers: number | 'auto' = 'auto',
  limits: object = {},
  rest: object = {},
): Peer {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }
  return {
    name: workers === 'auto' ? 'Pforte' : `Pforte, workers: ${workers}`,
    version,
    note: `workers: ${workers}, JSON log to a file, metrics on; asks for recipients; 250: the next hop has it, or it is synced to the spool`,
    abilities: new Set(['verifies', 'keeps', 'starttls', 'sessions']),
    maxSessionCount: 10_000,
    start: async ({ domain, targetPort, certificate }) => {
      const { certificatePath, keyPath } = certificate
      const relay = await startRelay({
        domains: [{ domain, to: `127.0.0.1:${targetPort}` }],
        config: {
          workers,
          limits,
          ...rest,
          tls: { certificates: [{ certificate: certificatePath, key: keyPath }] },
        },
      })
      // Whoever interrupts the bench does not want a relay to stay behind.
      const onExit = (): void => relay.signal('SIGKILL')
      process.once('exit', onExit)
      return {
        port: relay.port,
        pid: relay.pid,
        [Symbol.asyncDispose]: async () => {
          process.removeListener('exit', onExit)
          relay.signal('SIGTERM') // the supervisor ends its children in order
          await Promise.race([relay.ended, new Promise((resolve) => setTimeout(resolve, 10_000))])
          await relay[Symbol.asyncDispose]()
        },
      }
    },
  }
}
