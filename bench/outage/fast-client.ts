// A sender's MTA that is never what is waited for: mails of one size, envelope and content pipelined.

import { once } from 'node:events'
import net from 'node:net'

export interface Mail {
  /** In the Subject. */
  readonly name: string
  readonly recipient: string
}

/** What became of a mail: the reply to its content, or the first one that was not positive. */
export type OnReply = (mail: Mail, reply: string) => void

/** Mails over one connection before the next one: below the relay's limit for a session. */
const mailsPerConnection = 100
const contentBytes = 4096

/** Sends what `next` gives until it gives nothing. A mail whose connection ends counts as refused. */
export async function sendAll(
  port: number,
  next: () => Mail | undefined,
  onReply: OnReply,
): Promise<void> {
  let mail = next()
  while (mail !== undefined) {
    const client = await FastClient.connect(port)
    for (let count = 1; mail !== undefined; count += 1) {
      const following: Mail | undefined = count < mailsPerConnection ? next() : undefined
      onReply(mail, await client.send(mail, following ?? null).catch(String))
      mail = following
      if (client.isClosed) break
    }
    client.quit()
    mail ??= next()
  }
}

/** One mail over a connection of its own. Gives the reply. */
export async function sendOne(port: number, mail: Mail): Promise<string> {
  const client = await FastClient.connect(port)
  const reply = await client.send(mail, null)
  client.quit()
  return reply
}

class FastClient {
  readonly #socket: net.Socket
  #text = ''
  readonly #replies: string[] = []
  #waiter: PromiseWithResolvers<string> | null = null
  #failure: Error | null = null
  #isEnvelopeSent = false
  #lastReply = ''

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => {
      this.#fail(new Error(`the relay closed the connection, its last words: ${this.#lastReply}`))
    })
  }

  static async connect(port: number): Promise<FastClient> {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
    const client = new FastClient(socket)
    await once(socket, 'connect')
    await client.#expect('220')
    socket.write('EHLO bench.example\r\n')
    await client.#expect('250')
    return client
  }

  /** `following`: the mail whose envelope goes out with this one's content. */
  async send(mail: Mail, following: Mail | null): Promise<string> {
    if (!this.#isEnvelopeSent) this.#socket.write(envelopeOf(mail))
    this.#isEnvelopeSent = following !== null
    const replies = [await this.#reply(), await this.#reply(), await this.#reply()]
    const after = following === null ? '' : envelopeOf(following)
    const refusal = replies.find((reply) => !/^(?:250|354)/.test(reply))
    if (refusal !== undefined) {
      this.#socket.write(after)
      return refusal
    }
    this.#socket.write(contentOf(mail) + after)
    return this.#reply()
  }

  get isClosed(): boolean {
    return this.#failure !== null
  }

  quit(): void {
    this.#socket.end('QUIT\r\n')
  }

  async #expect(code: string): Promise<void> {
    const reply = await this.#reply()
    if (!reply.startsWith(code)) throw new Error(reply)
  }

  #reply(): Promise<string> {
    const reply = this.#replies.shift()
    if (reply !== undefined) return Promise.resolve(reply)
    if (this.#failure !== null) return Promise.reject(this.#failure)
    this.#waiter = Promise.withResolvers()
    return this.#waiter.promise
  }

  #onData(chunk: Buffer): void {
    this.#text += chunk.toString('latin1')
    const lines = this.#text.split('\r\n')
    this.#text = lines.pop() ?? ''
    for (const line of lines) if (line[3] !== '-') this.#onReply(line)
  }

  #onReply(reply: string): void {
    const waiter = this.#waiter
    this.#waiter = null
    this.#lastReply = reply
    if (waiter === null) this.#replies.push(reply)
    else waiter.resolve(reply)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#waiter?.reject(error)
    this.#waiter = null
  }
}

function envelopeOf({ recipient }: Mail): string {
  return `MAIL FROM:<sender@outside.example>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`
}

const line = `${'A'.repeat(70)}\r\n`
const header = 'From: <sender@outside.example>\r\nSubject: '

function contentOf({ name }: Mail): string {
  const head = `${header}${name}\r\n\r\n`
  return `${head}${line.repeat(Math.ceil((contentBytes - head.length) / line.length))}.\r\n`
}
