// Pulls lines and pieces from a socket. Shared by the embedded institute server and the scripted peers
// of the tests, and on purpose nothing of src: a fault in our codec must not be cancelled out here.

import type { Socket } from 'node:net'

/** Above this much unread input the peer is made to wait. */
const pauseAboveBytes = 256 * 1024
const emptyBuffer = Buffer.alloc(0)

/** The peer sent nothing within the deadline. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
  readonly code = 'DEADLINE'
}

/** The peer sent a line longer than the reader takes. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError'
  readonly code = 'LINE_TOO_LONG'
}

/** One reader a socket, one waiting caller at a time. Input that nobody asks for is bounded. */
export class ByteReader {
  readonly #socket: Socket
  readonly #maxLineBytes: number
  #buffer: Buffer = emptyBuffer
  #isEnded = false
  #wake: (() => void) | null = null

  readonly #onData = (chunk: Buffer): void => {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
    if (this.#buffer.length > pauseAboveBytes) this.#socket.pause()
    this.#wake?.()
  }

  readonly #onEnd = (): void => {
    this.#isEnded = true
    this.#wake?.()
  }

  constructor(socket: Socket, maxLineBytes: number) {
    this.#socket = socket
    this.#maxLineBytes = maxLineBytes
    this.#isEnded = socket.destroyed || socket.readableEnded
    socket.on('data', this.#onData)
    for (const event of ['end', 'close', 'error']) socket.on(event, this.#onEnd)
  }

  /** True when a whole line is waiting, so that `line` will not wait. */
  get hasLine(): boolean {
    return this.#buffer.includes(10)
  }

  /** Bytes that arrived and were not asked for. */
  get unreadBytes(): number {
    return this.#buffer.length
  }

  /**
   * The next line with its LF, or null when the peer is gone. A last line without LF is not returned.
   * Rejects with DeadlineError or LineTooLongError.
   */
  async line(deadlineMs: number): Promise<Buffer | null> {
    const giveUpAt = performance.now() + deadlineMs
    for (;;) {
      const end = this.#buffer.indexOf(10)
      if (end >= 0) return this.#take(end + 1)
      if (this.#isEnded) return null
      if (this.#buffer.length > this.#maxLineBytes) {
        throw new LineTooLongError(`more than ${this.#maxLineBytes} bytes without LF`)
      }
      await this.#more(giveUpAt - performance.now())
    }
  }

  /** Whatever has arrived, at least one byte; null when the peer is gone. Rejects with DeadlineError. */
  async piece(deadlineMs: number): Promise<Buffer | null> {
    if (this.#buffer.length === 0 && !this.#isEnded) await this.#more(deadlineMs)
    return this.#buffer.length === 0 ? null : this.#take(this.#buffer.length)
  }

  /** Puts bytes back in front of what is still unread. */
  unread(bytes: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([bytes, this.#buffer])
  }

  /** Lets the socket go, to be wrapped in TLS. What was not read is lost; see `unreadBytes`. */
  detach(): void {
    this.#socket.off('data', this.#onData)
    for (const event of ['end', 'close']) this.#socket.off(event, this.#onEnd)
    this.#socket.pause()
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length)
    this.#buffer = length === this.#buffer.length ? emptyBuffer : this.#buffer.subarray(length)
    return taken
  }

  async #more(deadlineMs: number): Promise<void> {
    if (this.#socket.isPaused()) this.#socket.resume()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(
      () => reject(new DeadlineError(`nothing arrived for ${Math.round(deadlineMs)} ms`)),
      Math.max(0, deadlineMs),
    )
    this.#wake = resolve
    try {
      await promise
    } finally {
      this.#wake = null
      clearTimeout(timer)
    }
  }
}
