// A listening port.

import net from 'node:net'
import { addressBits, firstOf, parseNetwork } from '#base/network.ts'
import { Connection, addressOf, type SocketAddress } from './connection.ts'
import { readProxyHeader } from './read-proxy-header.ts'

export interface Listener {
  /** Where it really listens: the port is the one the system chose when 0 was asked for. */
  readonly address: SocketAddress
  /** Takes no more connections; those that exist are not touched. */
  readonly close: () => void
}

/** Connections that come through proxies, each with a PROXY header in front. */
export interface ProxyOptions {
  /** Networks (CIDR) of the proxies; nobody else may connect. */
  readonly trusted: readonly string[]
  readonly timeoutMs: number
  /** `peer` was not let in: it is no proxy, or its header is none. */
  readonly onRefused: (peer: SocketAddress, refusal: ProxyRefusal) => void
}

export type ProxyRefusal =
  | { readonly reason: 'no-proxy' }
  /** `detail` is for people. */
  | { readonly reason: 'proxy-header'; readonly detail: string }

/** Rejects with the system's error (EADDRINUSE, EACCES, ...) when the port cannot be opened. */
export function openListener(options: {
  readonly address: string
  readonly port: number
  /** A socket that is bound to address and port already, of another process; absent: it is bound here. */
  readonly descriptor?: number
  /** Absent or null: clients connect themselves. */
  readonly proxy?: ProxyOptions | null
  /** With a proxy, `remote` of the connection is the client its header names. */
  readonly onConnection: (connection: Connection) => void
  readonly onError: (error: Error) => void
}): Promise<Listener> {
  // Half-open: a client that ends its side after QUIT or the last dot still gets its replies.
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true })
  const { onConnection, proxy = null } = options
  const gate = proxy === null ? null : new ProxyGate(proxy, onConnection)
  server.on('connection', (socket) => {
    // The peer may be gone before we look: then there is no address to judge by.
    if (socket.remoteAddress === undefined) socket.destroy()
    else if (gate === null) onConnection(new Connection(socket))
    else gate.admit(socket)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const { address: host, port: wanted, descriptor } = options
    const place = descriptor === undefined ? { host, port: wanted } : { fd: descriptor }
    server.listen({ ...place, backlog: 1024 }, () => {
      server.removeListener('error', reject)
      server.on('error', options.onError)
      const bound = server.address()
      const port = typeof bound === 'object' && bound !== null ? bound.port : options.port
      const close = (): void => {
        server.close()
        gate?.close()
      }
      resolve({ address: { address: options.address, port }, close })
    })
  })
}

class ProxyGate {
  readonly #options: ProxyOptions
  readonly #onConnection: (connection: Connection) => void
  readonly #isTrusted: (address: string) => boolean
  readonly #waiting = new Set<net.Socket>()

  constructor(options: ProxyOptions, onConnection: (connection: Connection) => void) {
    this.#options = options
    this.#onConnection = onConnection
    this.#isTrusted = networksOf(options.trusted)
  }

  admit(socket: net.Socket): void {
    const { timeoutMs, onRefused } = this.#options
    const peer = addressOf(socket.remoteAddress, socket.remotePort)
    if (!this.#isTrusted(peer.address)) {
      // Without a word: whoever is no proxy is no client of this port.
      socket.on('error', () => undefined)
      socket.destroy()
      onRefused(peer, { reason: 'no-proxy' })
      return
    }
    this.#waiting.add(socket)
    readProxyHeader(socket, timeoutMs, (outcome) => {
      const isWanted = this.#waiting.delete(socket)
      if (outcome.kind === 'complete') {
        this.#onConnection(new Connection(socket, outcome.client ?? undefined))
      } else if (isWanted) {
        onRefused(peer, { reason: 'proxy-header', detail: outcome.detail })
      }
    })
  }

  /** Those who have not said whose connection it is are let go. */
  close(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const socket of waiting) socket.destroy()
  }
}

/** Is an address in one of the networks? Texts that are none were refused with the configuration. */
function networksOf(texts: readonly string[]): (address: string) => boolean {
  const networks = texts.map((text) => {
    const parsed = parseNetwork(text)
    if (!parsed.ok) throw new RangeError(`not a network: ${text}`)
    return parsed.value
  })
  return (text) => {
    const address = addressBits(text)
    if (address === null) return false
    const width = address.family === 4 ? 32 : 128
    return networks.some(
      ({ family, length, bits }) =>
        family === address.family && firstOf(address.bits, width, length) === bits,
    )
  }
}
