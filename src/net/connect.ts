// Opening a connection to a peer.

import net from 'node:net'
import { Connection } from './connection.ts'

/** Rejects with the system's error, or with an error of code ETIMEDOUT or ABORT_ERR. */
export function connect(options: {
  readonly address: string
  readonly port: number
  readonly timeoutMs: number
  readonly signal: AbortSignal | null
}): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: options.address, port: options.port, noDelay: true })
    const timer = setTimeout(() => give(codedError('ETIMEDOUT', 'no answer')), options.timeoutMs)
    const onAbort = (): void => give(codedError('ABORT_ERR', 'aborted'))
    const settle = (): void => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      socket.removeListener('error', give)
    }
    const give = (error: Error): void => {
      settle()
      socket.on('error', () => undefined) // nobody waits for it any more
      socket.destroy()
      reject(error)
    }
    socket.once('error', give)
    socket.once('connect', () => {
      settle()
      resolve(new Connection(socket))
    })
    options.signal?.addEventListener('abort', onAbort, { once: true })
    if (options.signal?.aborted === true) onAbort()
  })
}

function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
