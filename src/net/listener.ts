// A listening port.

import net from 'node:net'
import { Connection, type SocketAddress } from './connection.ts'

export interface Listener {
  /** Where it really listens: the port is the one the system chose when 0 was asked for. */
  readonly address: SocketAddress
  /** Takes no more connections; those that exist are not touched. */
  readonly close: () => void
}

/** Rejects with the system's error (EADDRINUSE, EACCES, ...) when the port cannot be opened. */
export function openListener(options: {
  readonly address: string
  readonly port: number
  /** A socket that is bound to address and port already, of another process; absent: it is bound here. */
  readonly descriptor?: number
  readonly onConnection: (connection: Connection) => void
  readonly onError: (error: Error) => void
}): Promise<Listener> {
  // Half-open: a client that ends its side after QUIT or the last dot still gets its replies.
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true })
  server.on('connection', (socket) => {
    // The peer may be gone before we look: then there is no address to judge by.
    if (socket.remoteAddress === undefined) socket.destroy()
    else options.onConnection(new Connection(socket))
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
      resolve({ address: { address: options.address, port }, close: () => server.close() })
    })
  })
}
