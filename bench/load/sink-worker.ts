// An institute's server that knows every mailbox named `user` and a number, takes every mail, and counts.
// Started by start-sink.ts.

import { once } from 'node:events'
import net from 'node:net'
import { nowMs } from './job.ts'

export type SinkOrder =
  | { readonly kind: 'up'; readonly port: number }
  | { readonly kind: 'down' }
  | { readonly kind: 'count' }

/** `lastMs`: when the last mail had come. */
export interface SinkState {
  readonly port: number
  readonly count: number
  readonly lastMs: number
}

const extensions = '250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 104857600\r\n'
const endOfContent = Buffer.from('\r\n.\r\n')
// What a server that takes everybody has said of a recipient is worth nothing in an outage.
const stranger = /^RCPT TO:<(?!\d*user\d*@)/i

const sockets = new Set<net.Socket>()
let server: net.Server | null = null
let port = 0
let count = 0
let lastMs = 0

process.on('message', (order: SinkOrder) => {
  void obey(order).then(() => process.send?.({ port, count, lastMs } satisfies SinkState))
})
process.once('disconnect', () => process.exit())

async function obey(order: SinkOrder): Promise<void> {
  if (order.kind === 'up') await up(order.port)
  if (order.kind === 'down') down()
}

async function up(wantedPort: number): Promise<void> {
  server = net.createServer({ noDelay: true }, onSocket)
  server.listen({ host: '127.0.0.1', port: wantedPort, backlog: 4096 })
  await once(server, 'listening')
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
}

function down(): void {
  server?.close()
  server = null
  for (const socket of sockets) socket.destroy()
}

function onSocket(socket: net.Socket): void {
  let isInContent = false
  let rest: Buffer = Buffer.alloc(0)
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => sockets.delete(socket))
  socket.write('220 sink.example ESMTP\r\n')
  socket.on('data', (chunk: Buffer) => {
    let input = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let replies = ''
    for (;;) {
      const end = isInContent ? input.indexOf(endOfContent) : input.indexOf('\r\n')
      if (end < 0) break
      if (isInContent) {
        count += 1
        lastMs = nowMs()
        isInContent = false
        replies += '250 2.0.0 Ok\r\n'
        input = input.subarray(end + endOfContent.length)
        continue
      }
      const reply = answer(input.toString('latin1', 0, end))
      isInContent = reply.startsWith('3')
      replies += reply
      input = input.subarray(end + 2)
    }
    // Of content only what may be the beginning of its end is kept.
    rest = isInContent ? input.subarray(Math.max(0, input.length - 4)) : input
    if (replies !== '') socket.write(replies)
  })
}

function answer(command: string): string {
  switch (command.slice(0, 4).toUpperCase()) {
    case 'EHLO':
      return extensions
    case 'RCPT':
      return stranger.test(command) ? '550 5.1.1 User unknown\r\n' : '250 2.1.5 Ok\r\n'
    case 'DATA':
      return '354 Go ahead\r\n'
    case 'QUIT':
      return '221 2.0.0 Bye\r\n'
    default:
      return '250 2.0.0 Ok\r\n'
  }
}
