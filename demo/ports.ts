// Ports on the loopback address.

import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** The wanted port when nobody has it, else a free one. Somebody may still be quicker. */
export async function freePort(wanted: number): Promise<number> {
  return (await tryPort(wanted)) ?? (await tryPort(0)) ?? 0
}

async function tryPort(port: number): Promise<number | null> {
  const server = createServer()
  try {
    server.listen({ port, host: '127.0.0.1' })
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  } catch {
    return null
  } finally {
    server.close()
  }
}
