// Asks the running relay how it is, twice.

import { setTimeout as sleep } from 'node:timers/promises'
import { connectLink, type LinkClient } from '#link/connect-link.ts'
import { LinkError } from '#link/link.ts'
import { CommandError } from '#app/command.ts'
import { calls, fromJson, nothing } from '#app/processes/calls.ts'
import type { RelayStatus } from '#app/processes/relay-status.ts'

/** A status and when it came, monotonic. */
export interface SeenStatus {
  readonly status: RelayStatus
  readonly atMs: number
}

/** A coordinator that is being replaced is back by then. */
const connectTimeoutMs = 3000
const answerTimeoutMs = 5000

/** Rejects with a CommandError: no relay runs there, or it does not answer. `path`: of the link's socket. */
export async function askStatus(
  path: string,
  intervalMs: number,
  signal: AbortSignal,
): Promise<readonly [SeenStatus, SeenStatus]> {
  const link = await connect(path, signal)
  try {
    const first = await ask(link)
    await sleep(intervalMs, undefined, { signal }).catch(() => {
      throw new CommandError('interrupted')
    })
    return [first, await ask(link)]
  } finally {
    link.close()
  }
}

async function connect(path: string, signal: AbortSignal): Promise<LinkClient> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const give = (text: string): void => reject(new CommandError(text))
  const timer = setTimeout(
    () => give(`the relay does not answer on ${path} within ${connectTimeoutMs / 1000} s`),
    connectTimeoutMs,
  )
  const onAbort = (): void => give('interrupted')
  signal.addEventListener('abort', onAbort, { once: true })
  const link = connectLink({
    path,
    name: 'command',
    handlers: { asked: {}, told: {} },
    onUp: () => resolve(),
    onDown: () => undefined,
    onError: (error) => give(explain(path, error)),
  })
  try {
    await promise
    return link
  } catch (error) {
    link.close()
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

function explain(path: string, error: NodeJS.ErrnoException): string {
  switch (error.code ?? '') {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `no relay runs with this configuration: nobody listens on ${path}; pforte queue shows its spool all the same`
    case 'EACCES':
    case 'EPERM':
      return `${path} may not be opened: run this as the user of the relay, or as root`
    default:
      return `cannot connect to the relay: ${error.message}`
  }
}

async function ask(link: LinkClient): Promise<SeenStatus> {
  try {
    const { value } = await link.ask(calls.status, nothing, answerTimeoutMs)
    return { status: fromJson<RelayStatus>(value), atMs: performance.now() }
  } catch (error) {
    if (!(error instanceof LinkError)) throw error
    throw new CommandError(`the relay gave no answer: ${error.message}`, 1, { cause: error })
  }
}
