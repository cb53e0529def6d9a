// One connection between two processes, the same for both ends.

import type { Socket } from 'node:net'
import { encodeFrame, FrameDecoder, type Frame } from './frames.ts'
import { LinkError, type Json, type LinkHandlers, type LinkMessage, type LinkPeer } from './link.ts'

/** The head of a frame. */
type Head =
  | { readonly kind: 'hello'; readonly name: string }
  | {
      readonly kind: 'ask'
      readonly number: number
      readonly method: string
      readonly value: Json
    }
  | { readonly kind: 'answer'; readonly number: number; readonly value: Json }
  | { readonly kind: 'failure'; readonly number: number; readonly message: string }
  /** It was not looked at: this end is closing. */
  | { readonly kind: 'closing'; readonly number: number }
  | { readonly kind: 'tell'; readonly method: string; readonly value: Json }

interface Asked {
  readonly timer: NodeJS.Timeout
  readonly resolve: (message: LinkMessage) => void
  readonly reject: (error: LinkError) => void
}

export interface ChannelOptions {
  readonly socket: Socket
  /** Of this end. */
  readonly name: string
  readonly handlers: LinkHandlers
  /** The other end has said its name. */
  readonly onHello: (channel: Channel) => void
  readonly onClosed: (channel: Channel) => void
}

export class Channel implements LinkPeer {
  readonly #options: ChannelOptions
  readonly #decoder = new FrameDecoder()
  readonly #asked = new Map<number, Asked>()
  #name = ''
  #number = 0
  /** Questions of the other end that are being answered. */
  #answeringCount = 0
  #isClosing = false
  #isCollecting = false

  constructor(options: ChannelOptions) {
    this.#options = options
    const { socket } = options
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose())
    this.#send({ kind: 'hello', name: options.name }, null)
  }

  get name(): string {
    return this.#name
  }

  ask(method: string, { value, bytes }: LinkMessage, timeoutMs: number): Promise<LinkMessage> {
    const { socket } = this.#options
    if (socket.destroyed || socket.writableEnded) {
      return Promise.reject(new LinkError('away', 'the connection is closed'))
    }
    this.#number += 1
    const number = this.#number
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(number)
        reject(new LinkError('lost', `no answer to ${method} within ${timeoutMs} ms`))
      }, timeoutMs)
      this.#asked.set(number, { timer, resolve, reject })
      this.#send({ kind: 'ask', number, method, value }, bytes)
    })
  }

  tell(method: string, value: Json): void {
    this.#send({ kind: 'tell', method, value }, null)
  }

  /** What was written before still leaves, and so do answers under way. Others are not answered any more. */
  close(): void {
    this.#isClosing = true
    if (this.#answeringCount > 0) return
    this.#options.socket.end()
    this.#options.socket.unref()
  }

  destroy(): void {
    this.#options.socket.destroy()
  }

  #send(head: Head, bytes: Buffer | null): void {
    const { socket } = this.#options
    if (socket.destroyed || socket.writableEnded) return
    this.#collect()
    for (const piece of encodeFrame(head as unknown as Json, bytes)) socket.write(piece)
  }

  /** Frames of one turn of the event loop leave in one write: each costs both processes a system call. */
  #collect(): void {
    if (this.#isCollecting) return
    const { socket } = this.#options
    this.#isCollecting = true
    socket.cork()
    setImmediate(() => {
      this.#isCollecting = false
      socket.uncork()
    })
  }

  #onData(chunk: Buffer): void {
    let frames: readonly Frame[]
    try {
      frames = this.#decoder.push(chunk)
    } catch {
      this.destroy()
      return
    }
    for (const { head, bytes } of frames) this.#onFrame(head as unknown as Head, bytes)
  }

  #onFrame(head: Head, bytes: Buffer | null): void {
    switch (head.kind) {
      case 'hello':
        this.#name = head.name
        this.#options.onHello(this)
        return
      case 'ask':
        void this.#answer(head, bytes)
        return
      case 'answer':
        this.#take(head.number)?.resolve({ value: head.value, bytes })
        return
      case 'failure':
        this.#take(head.number)?.reject(new LinkError('failed', head.message))
        return
      case 'closing':
        this.#take(head.number)?.reject(new LinkError('away', 'the other end is closing'))
        return
      case 'tell':
        this.#options.handlers.told[head.method]?.(head.value, this)
        return
    }
  }

  async #answer(
    { number, method, value }: Extract<Head, { readonly kind: 'ask' }>,
    bytes: Buffer | null,
  ): Promise<void> {
    if (this.#isClosing) {
      this.#send({ kind: 'closing', number }, null)
      return
    }
    this.#answeringCount += 1
    try {
      const handler = this.#options.handlers.asked[method]
      if (handler === undefined) throw new Error(`nobody answers ${method}`)
      const answer = await handler({ value, bytes }, this)
      this.#send({ kind: 'answer', number, value: answer.value }, answer.bytes)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#send({ kind: 'failure', number, message }, null)
    }
    this.#answeringCount -= 1
    if (this.#isClosing) this.close()
  }

  #take(number: number): Asked | undefined {
    const asked = this.#asked.get(number)
    if (asked === undefined) return undefined
    clearTimeout(asked.timer)
    this.#asked.delete(number)
    return asked
  }

  #onClose(): void {
    for (const number of this.#asked.keys()) {
      this.#take(number)?.reject(new LinkError('lost', 'the connection ended before the answer'))
    }
    this.#options.onClosed(this)
  }
}
