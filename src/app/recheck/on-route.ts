// Does a domain's mail still go to the server that was examined?

import type { Route } from '#registry/registry.ts'

export interface ExaminedServer {
  readonly host: string
  readonly port: number
}

/** `mail.inst.example:25`, and without brackets also `2001:db8::7:25`. */
export function parseServer(written: string): ExaminedServer {
  const colon = written.lastIndexOf(':')
  return { host: written.slice(0, colon), port: Number(written.slice(colon + 1)) }
}

/** The operator may since have sent the domain's mail elsewhere. Which hosts MX records name is not asked. */
export function isOnRoute(
  { endpoints }: Route,
  server: ExaminedServer,
  addresses: readonly string[],
): boolean {
  return endpoints.some((endpoint) => {
    if (endpoint.port !== server.port) return false
    if (endpoint.kind === 'mx') return true
    return endpoint.kind === 'host'
      ? endpoint.host === server.host
      : addresses.includes(endpoint.address)
  })
}
