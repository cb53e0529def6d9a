// Waits for the header of a proxy in front of a connection, and puts back what came behind it.

import type net from 'node:net'
import { maxProxyHeaderBytes, parseProxyHeader, type ProxiedAddress } from './proxy-header.ts'

export type ProxyHeaderOutcome =
  /** Null: the connection is the proxy's own. */
  | { readonly kind: 'complete'; readonly client: ProxiedAddress | null }
  /** `detail` is for people. The socket is destroyed. */
  | { readonly kind: 'failed'; readonly detail: string }

/** The socket is paused, before and after; nobody else listens to it. `onOutcome` is called once. */
export function readProxyHeader(
  socket: net.Socket,
  timeoutMs: number,
  onOutcome: (outcome: ProxyHeaderOutcome) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0)
  const timer = setTimeout(() => fail('it did not come in time'), timeoutMs)
  const onEnd = (): void => fail('the connection ended before it')
  const onError = (error: Error): void => fail(error.message)
  const stop = (): void => {
    clearTimeout(timer)
    socket.removeListener('data', onData)
    socket.removeListener('end', onEnd)
    socket.removeListener('close', onEnd)
  }
  const fail = (detail: string): void => {
    stop()
    socket.destroy()
    onOutcome({ kind: 'failed', detail })
  }
  const onData = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk])
    const header = parseProxyHeader(bytes.subarray(0, maxProxyHeaderBytes))
    if (header.kind === 'incomplete') return
    if (header.kind === 'malformed') {
      fail(header.detail)
      return
    }
    stop()
    socket.removeListener('error', onError)
    socket.pause()
    if (bytes.length > header.lengthBytes) socket.unshift(bytes.subarray(header.lengthBytes))
    onOutcome({ kind: 'complete', client: header.client })
  }
  socket.on('data', onData)
  socket.on('end', onEnd)
  socket.on('close', onEnd)
  socket.on('error', onError) // stays when it fails: an error nobody hears would end the process
  socket.resume()
}
