// An institute's server that takes every mail to a mailbox it has at once, and remembers only which mail came when. The one of
// the demo knows far more, and would be what is measured.

import { once } from 'node:events'
import net from 'node:net'

export interface Arrival {
  /** The text of the mail's Subject. */
  readonly name: string
  /** Wall time of the reply. */
  readonly atMs: number
}

const greeting = '220 sink.example ESMTP\r\n'
const extensions = '250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 104857600\r\n'
const knownMailbox = /<user\d*@/
const endOfContent = Buffer.from('\r\n.\r\n')

export class FastSink {
  readonly arrivals: Arrival[] = []
  readonly #sockets = new Set<net.Socket>()
  #server: net.Server | null = null
  #port = 0

  get port(): number {
    return this.#port
  }

  async up(): Promise<void> {
    const server = net.createServer({ noDelay: true }, (socket) => this.#onSocket(socket))
    server.listen({ host: '127.0.0.1', port: this.#port })
    await once(server, 'listening')
    const address = server.address()
    if (address !== null && typeof address === 'object') this.#port = address.port
    this.#server = server
  }

  /** As when the machine loses its power: connections end, new ones are refused. */
  down(): void {
    this.#server?.close()
    this.#server = null
    for (const socket of this.#sockets) socket.destroy()
  }

  #onSocket(socket: net.Socket): void {
    this.#sockets.add(socket)
    const dialog = new SinkDialog((name) => this.arrivals.push({ name, atMs: Date.now() }))
    socket.on('data', (chunk: Buffer) => void socket.write(dialog.answer(chunk)))
    socket.on('error', () => undefined)
    socket.on('end', () => socket.end())
    socket.on('close', () => this.#sockets.delete(socket))
    socket.write(greeting)
  }
}

class SinkDialog {
  readonly #onMail: (name: string) => void
  #rest: Buffer = Buffer.alloc(0)
  #isInContent = false

  constructor(onMail: (name: string) => void) {
    this.#onMail = onMail
  }

  /** Replies to all that is complete now. */
  answer(chunk: Buffer): string {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let replies = ''
    for (;;) {
      const reply = this.#isInContent ? this.#takeContent() : this.#takeCommand()
      if (reply === null) return replies
      replies += reply
    }
  }

  #takeCommand(): string | null {
    const end = this.#rest.indexOf('\r\n')
    if (end < 0) return null
    const verb = this.#rest.toString('latin1', 0, 4).toUpperCase()
    const command = this.#rest.toString('latin1', 0, end)
    this.#rest = this.#rest.subarray(end + 2)
    // What a server that takes everybody has said of a recipient is worth nothing in an outage.
    if (verb === 'RCPT' && !knownMailbox.test(command)) return '550 5.1.1 User unknown\r\n'
    if (verb === 'EHLO') return extensions
    if (verb === 'QUIT') return '221 2.0.0 Bye\r\n'
    if (verb !== 'DATA') return '250 2.1.0 Ok\r\n'
    this.#isInContent = true
    return '354 Go ahead\r\n'
  }

  #takeContent(): string | null {
    const end = this.#rest.indexOf(endOfContent)
    if (end < 0) return null
    const start = this.#rest.indexOf('\r\nSubject: ') + '\r\nSubject: '.length
    this.#onMail(this.#rest.toString('latin1', start, this.#rest.indexOf('\r\n', start)))
    this.#rest = this.#rest.subarray(end + endOfContent.length)
    this.#isInContent = false
    return '250 2.0.0 Ok\r\n'
  }
}
