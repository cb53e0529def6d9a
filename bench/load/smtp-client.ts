// One session of the load generator: nothing but what a mail needs, commands made beforehand, replies read
// no further than to the digit that matters.

import net from 'node:net'
import tls from 'node:tls'
import { contentOf } from './content.ts'
import type { MailPlan } from './job.ts'

export class SmtpClient {
  #socket: net.Socket
  #text = ''
  readonly #replies: string[] = []
  #waiter: PromiseWithResolvers<string> | null = null
  #failure: Error | null = null

  private constructor(port: number) {
    this.#socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
    this.#listen(this.#socket)
  }

  /** Resolves after the answer to EHLO, in TLS if that is wanted. */
  static async open(port: number, isTls: boolean): Promise<SmtpClient> {
    const client = new SmtpClient(port)
    await client.#expect('2', 'the banner')
    await client.ask('EHLO client.example\r\n', '2')
    if (isTls) {
      await client.ask('STARTTLS\r\n', '2')
      await client.#encrypt()
      await client.ask('EHLO client.example\r\n', '2')
    }
    return client
  }

  /** Sends one mail. Rejects with the words of a refusal. */
  async send(plan: MailPlan, recipients: readonly string[]): Promise<void> {
    const envelope = ['MAIL FROM:<sender@outside.example>\r\n']
    for (const recipient of recipients) envelope.push(`RCPT TO:<${recipient}>\r\n`)
    if (plan.isPipelining) {
      this.#socket.write(`${envelope.join('')}DATA\r\n`)
      for (const command of envelope) await this.#expect('2', command)
      await this.#expect('3', 'DATA')
    } else {
      for (const command of envelope) await this.ask(command, '2')
      await this.ask('DATA\r\n', '3')
    }
    for (const piece of contentOf(plan.contentBytes)) {
      if (!this.#socket.write(piece)) await this.#drained()
    }
    await this.#expect('2', 'the content')
  }

  async ask(command: string, wanted: string): Promise<void> {
    this.#socket.write(command)
    await this.#expect(wanted, command)
  }

  /** Without waiting for the answer. */
  quit(): void {
    this.#socket.end('QUIT\r\n')
  }

  /** False: the connection is over. */
  drip(text: string): boolean {
    if (this.#failure !== null) return false
    this.#socket.write(text)
    return true
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #listen(socket: net.Socket): void {
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the connection was closed')))
  }

  async #encrypt(): Promise<void> {
    const plain = this.#socket
    plain.removeAllListeners('data')
    const socket = tls.connect({ socket: plain, rejectUnauthorized: false })
    this.#socket = socket
    this.#listen(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
    })
  }

  async #expect(wanted: string, what: string): Promise<void> {
    const reply = await this.#reply()
    if (!reply.startsWith(wanted)) throw new Error(`${what.trim()}: ${reply}`)
  }

  #reply(): Promise<string> {
    const reply = this.#replies.shift()
    if (reply !== undefined) return Promise.resolve(reply)
    if (this.#failure !== null) return Promise.reject(this.#failure)
    this.#waiter = Promise.withResolvers()
    return this.#waiter.promise
  }

  async #drained(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#socket.once('drain', resolve)
    this.#socket.once('close', () => reject(new Error('the connection was closed')))
    await promise
  }

  #onData(chunk: Buffer): void {
    const lines = (this.#text + chunk.toString('latin1')).split('\r\n')
    this.#text = lines.pop() ?? ''
    for (const line of lines) if (line[3] !== '-') this.#onReply(line)
  }

  #onReply(reply: string): void {
    const waiter = this.#waiter
    this.#waiter = null
    if (waiter === null) this.#replies.push(reply)
    else waiter.resolve(reply)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#waiter?.reject(error)
    this.#waiter = null
  }
}
