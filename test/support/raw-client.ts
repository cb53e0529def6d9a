// A client that sends exactly the bytes a test wants sent, and shows exactly what came back.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { ByteReader, DeadlineError } from '../../demo/institute/byte-reader.ts'

export interface RawClientOptions {
  readonly port: number
  /** Default 127.0.0.1. */
  readonly address?: string
  /** The client's own address. */
  readonly localAddress?: string
  /** For each reply and for connecting. Default 15,000. */
  readonly deadlineMs?: number
}

/** One read from the socket, decrypted after STARTTLS. */
export interface ReceivedChunk {
  readonly data: Buffer
  /** Monotonic milliseconds. */
  readonly atMs: number
}

const maxLineBytes = 16 * 1024 * 1024

/** Resolves when the TCP connection stands; the banner is the first reply to expect. */
export async function connectRaw(options: RawClientOptions): Promise<RawClient> {
  const { port, address = '127.0.0.1', localAddress, deadlineMs = 15_000 } = options
  const local = localAddress === undefined ? {} : { localAddress }
  const socket = connectTcp({ port, host: address, noDelay: true, ...local })
  await once(socket, 'connect', { signal: AbortSignal.timeout(deadlineMs) })
  return new RawClient(socket, deadlineMs)
}

export class RawClient implements AsyncDisposable {
  #socket: Socket
  #reader: ByteReader
  #chunks: ReceivedChunk[] = []
  readonly #deadlineMs: number

  /** Use `connectRaw`. */
  constructor(socket: Socket, deadlineMs: number) {
    this.#socket = socket
    this.#deadlineMs = deadlineMs
    this.#reader = this.#watch(socket)
  }

  /** The TLS socket after `startTls`, for its session, certificate and cipher. */
  get tlsSocket(): TLSSocket | null {
    return 'encrypted' in this.#socket ? (this.#socket as TLSSocket) : null
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0
  }

  /** In one write, as it is: no CR LF is added. Resolves when the system took it all. */
  send(text: string): Promise<void> {
    return this.sendBytes(Buffer.from(text))
  }

  async sendBytes(bytes: Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#socket.write(bytes, (error) => {
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
    await promise
  }

  /**
   * Reads one whole reply and returns it, lines joined by `\n`. Fails when its last line has another
   * code, or when the reply does not match. Without an argument every reply will do.
   */
  async expect(wanted?: number | RegExp, deadlineMs: number = this.#deadlineMs): Promise<string> {
    const reply = await this.#reply(deadlineMs)
    if (typeof wanted === 'number') {
      const lastLine = reply.slice(reply.lastIndexOf('\n') + 1)
      const isWanted = lastLine === `${wanted}` || lastLine.startsWith(`${wanted} `)
      assert.ok(isWanted, `expected ${wanted}, got: ${reply}`)
    } else if (wanted !== undefined) assert.match(reply, wanted)
    return reply
  }

  /** Sends one line (CR LF is added) and reads the reply to it. */
  async command(line: string, wanted?: number | RegExp): Promise<string> {
    await this.send(`${line}\r\n`)
    return this.expect(wanted)
  }

  async readReplies(count: number): Promise<string[]> {
    const replies: string[] = []
    while (replies.length < count) replies.push(await this.#reply(this.#deadlineMs))
    return replies
  }

  /** What came so far, read by read: replies that left in one write are in one chunk. */
  chunks(): readonly ReceivedChunk[] {
    return this.#chunks
  }

  forgetChunks(): void {
    this.#chunks = []
  }

  /** STARTTLS, its 220, and the handshake. Certificates are not verified unless `options` say so. */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    await this.command('STARTTLS', 220)
    return this.upgradeTls(options)
  }

  /** The handshake alone. Rejects when it fails. */
  async upgradeTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    assert.equal(this.#reader.unreadBytes, 0, 'plaintext came behind the reply to STARTTLS')
    this.#reader.detach()
    this.#socket.removeAllListeners('data')
    const socket = connectTls({ rejectUnauthorized: false, ...options, socket: this.#socket })
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(this.#deadlineMs) })
    this.#socket = socket
    this.#reader = this.#watch(socket)
    return socket
  }

  /** Resolves when the peer has closed its side or reset the connection; fails when more text comes. */
  async closed(deadlineMs: number = this.#deadlineMs): Promise<void> {
    const more = await this.#reader.piece(deadlineMs)
    assert.equal(more?.toString() ?? null, null, 'expected the end of the connection')
  }

  /** Fails when anything comes, or the connection ends, within that time. */
  async silent(forMs: number): Promise<void> {
    const more = await this.#reader.piece(forMs).catch(() => undefined)
    assert.equal(more === null ? 'the connection ended' : more?.toString(), undefined)
  }

  /** Closes our side; replies still come. */
  end(): void {
    this.#socket.end()
  }

  /** Ends the connection with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Stops reading from the socket, as a peer whose window is full. `expect` starts it again. */
  pause(): void {
    this.#socket.pause()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return
    const isClosed = once(this.#socket, 'close')
    this.#socket.destroy()
    await isClosed
  }

  #watch(socket: Socket): ByteReader {
    // An error ends the reading and so fails what is expected; unheard it would end the process.
    socket.on('error', () => undefined)
    socket.on('data', (data: Buffer) => {
      this.#chunks.push({ data, atMs: performance.now() })
    })
    return new ByteReader(socket, maxLineBytes)
  }

  async #reply(deadlineMs: number): Promise<string> {
    const lines: string[] = []
    const giveUpAt = performance.now() + deadlineMs
    for (;;) {
      // A peer that never ends its reply never makes the reader wait, so the reader would not notice.
      if (performance.now() > giveUpAt) throw new DeadlineError('the reply does not end')
      const line = await this.#reader.line(giveUpAt - performance.now())
      if (line === null) {
        const before = lines.length === 0 ? '' : ` within: ${lines.join('\n')}`
        throw new Error(`the connection ended instead of a reply${before}`)
      }
      lines.push(line.toString().replace(/\r?\n$/, ''))
      if (!/^\d{3}-/.test(lines.at(-1) ?? '')) return lines.join('\n')
    }
  }
}
