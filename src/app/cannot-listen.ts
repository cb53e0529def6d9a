// Why a port cannot be opened, in words for the operator.

import type { SocketAddress } from '#net/connection.ts'
import { CommandError } from './command.ts'

const hints: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there; stop it or choose another port',
  EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE or root',
  EADDRNOTAVAIL: 'this machine does not have that address',
}

export function cannotListen(place: SocketAddress, error: unknown): CommandError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  const hint = hints[code]
  const text = `cannot listen on ${place.address} port ${place.port}: ${code}`
  return new CommandError(hint === undefined ? text : `${text} (${hint})`)
}
