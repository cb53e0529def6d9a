// Pforte as it comes: default settings, log to a file, metrics on. Measured once it has rehearsed.

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { defaultOf } from '#config/defaults.ts'
import { startRelay } from '../../test/support/relay.ts'
import type { Peer } from './peer.ts'

const manifest = path.join(import.meta.dirname, '..', '..', 'package.json')

const startMs = 60_000

/** Those that rehearse: the workers and the coordinator. */
function processesOf(workers: number | 'auto'): number {
  const count = workers === 'auto' ? availableParallelism() : workers
  return count === 0 ? 1 : count + 1
}

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
          rehearsal: { mails: defaultOf('rehearsal.mails').value }, // tests have it off
          limits,
          ...rest,
          tls: { certificates: [{ certificate: certificatePath, key: keyPath }] },
        },
      })
      const processCount = processesOf(workers)
      await relay.waitForEvent(() => relay.events('rehearsed').length >= processCount, startMs)
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
