// A milter that refuses GTUBE at the end of a message, as spamass-milter -r does: just enough of Sendmail's protocol.

import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface Milter extends AsyncDisposable {
  readonly port: number
}

/** Put together here, so that no file holds it whole. */
const spam = ['XJS*C4JDBQADN1.NSBN3*2IDNEN', 'GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'].join('*')
const refusal = '550 5.7.1 This is spam'
const body = 'B'
const end = 'E'
const negotiation = 'O'
/** Macros, abort and quit get no answer. */
const unanswered = ['D', 'A', 'Q', 'K']

export async function startSpamMilter(): Promise<Milter> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    speak(socket)
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

function speak(socket: Socket): void {
  let pending: Buffer = Buffer.alloc(0)
  let seen = ''
  socket.on('data', (data: Buffer) => {
    pending = Buffer.concat([pending, data])
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
      const length = pending.readUInt32BE(0)
      const packet = pending.subarray(4, 4 + length)
      pending = pending.subarray(4 + length)
      const command = String.fromCharCode(packet[0] ?? 0)
      if (command === body) seen += packet.toString('latin1', 1)
      if (command === negotiation) send(socket, command, agreed())
      else if (command === end) {
        if (seen.includes(spam)) send(socket, 'y', Buffer.from(`${refusal}\0`))
        else send(socket, 'c')
        seen = ''
      } else if (!unanswered.includes(command)) send(socket, 'c')
    }
  })
}

/** Version 6, no changes of messages, every step. */
function agreed(): Buffer {
  const payload = Buffer.alloc(12)
  payload.writeUInt32BE(6, 0)
  return payload
}

function send(socket: Socket, command: string, payload: Buffer = Buffer.alloc(0)): void {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(payload.length + 1, 0)
  head.write(command, 4, 'latin1')
  socket.write(Buffer.concat([head, payload]))
}
