// The wire of one session of the embedded institute server: lines and pieces in, replies out.

import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { ByteReader } from './byte-reader.ts'
import { tlsFacts, upgradeToTls, type TlsFacts } from './upgrade-tls.ts'

const maxLineBytes = 8192
/** How long a client may take to close its side after ours is closed. */
const lingerMs = 2000

export class SessionWire {
  #socket: Socket
  #reader: ByteReader
  /** Replies not yet written: those of one pipelined group leave in one write (RFC 2920 §3.2). */
  #output = ''
  /** Ends pauses and filters when the connection is cut. */
  readonly #cut = new AbortController()
  readonly #idleMs: number

  constructor(socket: Socket, idleMs: number) {
    this.#socket = socket
    this.#idleMs = idleMs
    this.#reader = new ByteReader(socket, maxLineBytes)
  }

  get isCut(): boolean {
    return this.#cut.signal.aborted
  }

  /** Bytes that came and were not read. */
  get unreadBytes(): number {
    return this.#reader.unreadBytes
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#cut.abort()
    this.#socket.destroy()
  }

  /** `text` may have several lines, separated by `\n`. It leaves with the next `flush`. */
  send(text: string): void {
    this.#output += `${text.replaceAll(/\r?\n/g, '\r\n')}\r\n`
  }

  async flush(): Promise<void> {
    const output = this.#output
    this.#output = ''
    if (output === '' || !this.#socket.writable) return
    const { promise, resolve } = Promise.withResolvers<void>()
    // A failed write shows in the next read; there is nothing to say about it here.
    this.#socket.write(output, 'utf8', () => resolve())
    await promise
  }

  /** The next line without its ending, or null when the client is gone. Flushes before it waits. */
  async line(): Promise<{ readonly text: string; readonly isPipelined: boolean } | null> {
    const isPipelined = this.#reader.hasLine && this.#output !== ''
    if (!this.#reader.hasLine) await this.flush()
    const bytes = await this.#reader.line(this.#idleMs)
    return bytes === null ? null : { text: bytes.toString().replace(/\r?\n$/, ''), isPipelined }
  }

  piece(): Promise<Buffer | null> {
    return this.#reader.piece(this.#idleMs)
  }

  unread(bytes: Buffer): void {
    if (bytes.length > 0) this.#reader.unread(bytes)
  }

  /** Rejects when the connection is cut meanwhile. */
  async pause(delayMs: number): Promise<void> {
    if (delayMs <= 0) return
    await this.flush()
    await sleep(delayMs, undefined, { signal: this.#cut.signal })
  }

  /** The answer, or undefined when the connection is cut before there is one. */
  async unlessCut<Answer>(answer: Answer | Promise<Answer>): Promise<Answer | undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const onCut = (): void => resolve(undefined)
    this.#cut.signal.addEventListener('abort', onCut)
    try {
      return await Promise.race([answer, promise])
    } finally {
      this.#cut.signal.removeEventListener('abort', onCut)
    }
  }

  /** The 220 must have been sent. Rejects when the handshake fails. */
  async upgrade(secureContext: SecureContext): Promise<TlsFacts> {
    await this.flush()
    this.#reader.detach()
    const secure = await upgradeToTls(this.#socket, secureContext, this.#idleMs)
    this.#socket = secure
    this.#reader = new ByteReader(secure, maxLineBytes)
    return tlsFacts(secure)
  }

  /**
   * Closes our side, drops what still comes and waits for the client's side. Closing both at once with
   * input unread would make the system send a reset, and the client could lose the last reply.
   */
  async end(): Promise<void> {
    await this.flush()
    const socket = this.#socket
    if (socket.destroyed) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(() => socket.destroy(), lingerMs)
    socket.once('close', () => resolve())
    socket.end()
    this.#reader.detach()
    socket.resume()
    await promise
    clearTimeout(timer)
  }
}
