// A port that is bound here and listened on by others: the supervisor keeps it, so no connection is lost
// when a worker is replaced.

import net from 'node:net'
import type { SocketAddress } from './connection.ts'

export interface BoundPort {
  /** The port is the one the system chose when 0 was asked for. */
  readonly address: SocketAddress
  /** To be given to a child process. */
  readonly descriptor: number
  readonly close: () => void
}

/** Throws the system's error (EADDRINUSE, EACCES, ...). */
export function bindPort({ address, port }: SocketAddress): BoundPort {
  const socket = new net.BoundSocket({ host: address, port })
  return {
    address: { address, port: socket.address().port },
    descriptor: socket.fd(),
    close: () => socket.close(),
  }
}
