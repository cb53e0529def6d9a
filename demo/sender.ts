// The sender of the demo: a mail server somewhere on the Internet, as small as a client of RFC 5321 can be.
// Independent of src/, so that the demo shows what another program sees.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ByteReader } from './institute/byte-reader.ts'

export interface SenderReply {
  readonly code: number
  /** As received, code included. */
  readonly lines: readonly string[]
}

/** One line of the dialog, or a note about it. */
export interface DialogLine {
  readonly by: 'client' | 'server' | 'note'
  readonly text: string
}

const replyTimeoutMs = 10_000
const maxLineBytes = 8192

/** Resolves after the banner. */
export async function connectSender(port: number): Promise<Sender> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect', { signal: AbortSignal.timeout(replyTimeoutMs) })
  const sender = new Sender(socket)
  await sender.readReply()
  return sender
}

export class Sender implements Disposable {
  readonly dialog: DialogLine[] = []
  #socket: Socket
  #reader: ByteReader

  constructor(socket: Socket) {
    this.#socket = socket
    this.#reader = watch(socket)
  }

  /** One command, and its reply. */
  async command(text: string): Promise<SenderReply> {
    this.dialog.push({ by: 'client', text })
    await this.#send(`${text}\r\n`)
    return await this.readReply()
  }

  /** After STARTTLS got its 220. The certificate is not verified, as between mail servers usual. */
  async startTls(): Promise<void> {
    this.#reader.detach()
    const socket = connectTls({ socket: this.#socket, rejectUnauthorized: false })
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(replyTimeoutMs) })
    this.#socket = socket
    this.#reader = watch(socket)
    const text = `${socket.getProtocol() ?? 'TLS'}, ${socket.getCipher().standardName}`
    this.dialog.push({ by: 'note', text: `(from here on encrypted: ${text})` })
  }

  /** `content` has CR LF line endings and ends in one; dots are stuffed here (RFC 5321 §4.5.2). */
  async content(content: Buffer, note: string): Promise<SenderReply> {
    const stuffed = content.toString('latin1').replaceAll(/^\./gm, '..')
    this.dialog.push({ by: 'note', text: note }, { by: 'client', text: '.' })
    await this.#send(Buffer.from(`${stuffed}.\r\n`, 'latin1'))
    return await this.readReply()
  }

  async readReply(): Promise<SenderReply> {
    const lines: string[] = []
    for (;;) {
      const line = await this.#reader.line(replyTimeoutMs)
      if (line === null) throw new Error('the relay closed the connection instead of replying')
      const text = line.toString('utf8').trimEnd()
      lines.push(text)
      this.dialog.push({ by: 'server', text })
      if (!/^\d{3}-/.test(text)) return { code: Number(text.slice(0, 3)), lines }
    }
  }

  /** Says goodbye; never rejects. */
  async quit(): Promise<void> {
    await this.command('QUIT').catch(() => undefined)
    this.#socket.destroy()
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  /** Resolves when the system took it all. */
  async #send(data: string | Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#socket.write(data, (error) => {
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
    await promise
  }
}

function watch(socket: Socket): ByteReader {
  // The reader notices the end; an error that nobody listens to would end the process.
  socket.on('error', () => undefined)
  return new ByteReader(socket, maxLineBytes)
}
