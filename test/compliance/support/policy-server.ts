// A greylisting policy server for Postfix (SMTPD_POLICY_README), as small as postgrey's idea of it.

import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface PolicyServer extends AsyncDisposable {
  readonly port: number
}

/** Defers each new (client, sender, recipient) until it is so old. postmaster@ and `<>` are spared, as they often are. */
export async function startGreylist(delayMs: number): Promise<PolicyServer> {
  const firstSeen = new Map<string, number>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let pending = ''
    socket.setEncoding('latin1')
    socket.on('data', (data) => {
      pending += String(data)
      for (;;) {
        const end = pending.indexOf('\n\n')
        if (end < 0) break
        const request = pending.slice(0, end)
        pending = pending.slice(end + 2)
        socket.write(`action=${actionOn(request, firstSeen, delayMs)}\n\n`)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function actionOn(request: string, firstSeen: Map<string, number>, delayMs: number): string {
  const attribute = (name: string): string =>
    new RegExp(`^${name}=(.*)$`, 'm').exec(request)?.[1] ?? ''
  const [sender, recipient] = [attribute('sender'), attribute('recipient')]
  if (sender === '' || recipient.startsWith('postmaster@')) return 'DUNNO'
  const triple = `${attribute('client_address')} ${sender} ${recipient}`
  const since = firstSeen.get(triple) ?? Date.now()
  firstSeen.set(triple, since)
  if (Date.now() - since >= delayMs) return 'DUNNO'
  return 'DEFER_IF_PERMIT Greylisted, see http://postgrey.schweikert.ch/help/inst.example.html'
}
