// The server a bounce would go to: the mail exchanger of the domain that the senders forge, the host they
// connect from, and a name server that tells where it is and hears whoever looks for it.

import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { startDnsServer, type DnsServer } from '../../support/dns-server.ts'

export interface Trap extends AsyncDisposable {
  readonly domain: 'forged.example'
  /** Of the trap, and of the client that sends the forged mail. */
  readonly address: string
  readonly ports: readonly number[]
  readonly dns: DnsServer
  readonly connectionCount: () => number
  /** Questions about the forged domain or the trap. */
  readonly questions: () => readonly string[]
}

const address = '127.77.25.1'

/** Port 25, where a bounce would go, needs root; another port is open in any case. */
export async function startTrap(): Promise<Trap> {
  let count = 0
  const servers: Server[] = []
  for (const port of [25, 0]) {
    const server = createServer((socket) => {
      count += 1
      socket.on('error', () => undefined)
      socket.end('220 trap.forged.example ESMTP\r\n')
    })
    server.listen({ port, host: address })
    const isOpen = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (isOpen) servers.push(server)
  }
  const dns = await startDnsServer({
    'forged.example': { mx: [[10, 'trap.forged.example']], a: [address] },
    'trap.forged.example': { a: [address] },
    '1.25.77.127.in-addr.arpa': { cname: 'trap.forged.example' },
  })
  return {
    domain: 'forged.example',
    address,
    ports: servers.map(portOf),
    dns,
    connectionCount: () => count,
    questions: () =>
      dns.queries
        .map(({ name, type }) => `${type} ${name}`)
        .filter((question) => /forged\.example$|127\.in-addr\.arpa$/.test(question)),
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) server.close()
      await dns.close()
    },
  }
}

function portOf(server: Server): number {
  const bound = server.address()
  return typeof bound === 'object' && bound !== null ? bound.port : 0
}
