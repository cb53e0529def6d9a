// A next hop that does what a script says, line by line. Ready-made ones are in hostile-behaviours.ts.

import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { ByteReader } from '../../demo/institute/byte-reader.ts'
import {
  createServerContext,
  upgradeToTls,
  type CertificateAndKey,
} from '../../demo/institute/upgrade-tls.ts'

/** Plays one connection. When it returns, our side is closed; when it throws, see `failures`. */
export type Script = (connection: ScriptedConnection) => Promise<void>

/** The peer closed or reset the connection. Ends a script without being a failure. */
export class PeerGoneError extends Error {
  override readonly name = 'PeerGoneError'
  readonly code = 'PEER_GONE'
}

const maxLineBytes = 1024 * 1024
const endOfData = Buffer.from('\r\n.\r\n')

export class ScriptedConnection {
  /** From 1. */
  readonly number: number
  /** All lines the peer sent as far as they were read, without their endings. Not the content. */
  readonly lines: string[] = []
  /** All contents read by `readContent`, in wire form. */
  readonly contents: Buffer[] = []
  #socket: Socket
  #reader: ByteReader

  constructor(socket: Socket, number: number) {
    this.number = number
    this.#socket = socket
    this.#reader = new ByteReader(socket, maxLineBytes)
  }

  get isTls(): boolean {
    return 'encrypted' in this.#socket
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? ''
  }

  /** In one write, as it is. Resolves when the system took it; rejects with PeerGoneError. */
  async send(data: string | Buffer): Promise<void> {
    if (!this.#socket.writable) throw new PeerGoneError('the peer is gone')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onClose = (): void => reject(new PeerGoneError('the peer left while we were sending'))
    this.#socket.once('close', onClose)
    this.#socket.write(data, () => resolve())
    try {
      await promise
    } finally {
      this.#socket.off('close', onClose)
    }
  }

  /** `pieceBytes` at a time with a pause between. */
  async sendSlowly(data: string | Buffer, pauseMs: number, pieceBytes = 1): Promise<void> {
    const bytes = Buffer.from(data)
    for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
      await this.send(bytes.subarray(offset, offset + pieceBytes))
      await sleep(pauseMs)
    }
  }

  /**
   * Reads the next line, which must match, and returns it without its ending. Rejects when it does not
   * match, when it does not come in time, and with PeerGoneError.
   */
  async expect(wanted: RegExp, deadlineMs = 5000): Promise<string> {
    const bytes = await this.#reader.line(deadlineMs)
    if (bytes === null) throw new PeerGoneError(`the peer is gone, expected ${wanted}`)
    const line = bytes.toString().replace(/\r?\n$/, '')
    this.lines.push(line)
    if (!wanted.test(line)) throw new Error(`expected ${wanted}, got: ${line}`)
    return line
  }

  /** Reads the content up to the final dot and returns it in wire form, the dot included. */
  async readContent(deadlineMs = 5000): Promise<Buffer> {
    const pieces: Buffer[] = [Buffer.from('\r\n')]
    let tail: Buffer = pieces[0] ?? Buffer.alloc(0)
    for (;;) {
      const piece = await this.#reader.piece(deadlineMs)
      if (piece === null) throw new PeerGoneError('the peer left within the content')
      const window = Buffer.concat([tail, piece])
      const end = window.indexOf(endOfData)
      if (end >= 0) {
        const taken = end + endOfData.length - tail.length
        if (taken < piece.length) this.#reader.unread(piece.subarray(taken))
        const content = Buffer.concat([...pieces, piece.subarray(0, taken)]).subarray(2)
        this.contents.push(content)
        return content
      }
      pieces.push(piece)
      tail = window.subarray(Math.max(0, window.length - endOfData.length + 1))
    }
  }

  /** True when the peer has sent something that was not read yet. */
  get hasInput(): boolean {
    return this.#reader.unreadBytes > 0
  }

  /** Says nothing more and reads on until the peer leaves. Rejects when it does not within that time. */
  async untilPeerLeaves(deadlineMs = 60_000): Promise<void> {
    while ((await this.#reader.piece(deadlineMs)) !== null);
  }

  /** Closes our side after what was sent. */
  end(): void {
    this.#socket.end()
  }

  /** TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Our half of the handshake; the 220 must have been sent. Plaintext that came early is dropped. */
  async upgradeTls(certificate: CertificateAndKey, deadlineMs = 5000): Promise<TLSSocket> {
    this.#reader.detach()
    const context = createServerContext(certificate)
    const socket = await upgradeToTls(this.#socket, context, deadlineMs).catch((cause: unknown) => {
      throw new PeerGoneError('the peer did not finish the TLS handshake', { cause })
    })
    this.#socket = socket
    this.#reader = new ByteReader(socket, maxLineBytes)
    return socket
  }
}

/** Listens on a free port of 127.0.0.1 when it resolves. */
export async function startScriptedServer(script: Script): Promise<ScriptedServer> {
  const server = new ScriptedServer(script)
  await server.listen()
  return server
}

export class ScriptedServer implements AsyncDisposable {
  readonly address = '127.0.0.1'
  readonly connections: ScriptedConnection[] = []
  /** What scripts threw, the peer's leaving apart. A test that cares asserts that it is empty. */
  readonly failures: unknown[] = []
  readonly #listener: Server
  readonly #running = new Set<Promise<void>>()
  #script: Script
  #port = 0
  #isClosing = false

  /** Use `startScriptedServer`. */
  constructor(script: Script) {
    this.#script = script
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#onConnection(socket)
    })
  }

  /** It stays the same over `pause` and `listen`. */
  get port(): number {
    return this.#port
  }

  /** All lines of all connections. */
  get lines(): readonly string[] {
    return this.connections.flatMap(({ lines }) => lines)
  }

  /** For the connections to come. */
  setScript(script: Script): void {
    this.#script = script
  }

  async listen(): Promise<void> {
    this.#listener.listen({ port: this.#port, host: this.address })
    await once(this.#listener, 'listening')
    this.#port = (this.#listener.address() as AddressInfo).port
  }

  /** Cuts all connections and refuses new ones until `listen`. */
  async pause(): Promise<void> {
    const isClosed = once(this.#listener, 'close')
    this.#listener.close()
    for (const connection of this.connections) connection.destroy()
    await isClosed
  }

  /** Cuts all connections and waits for their scripts to notice. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#listener.close()
    for (const connection of this.connections) connection.destroy()
    await Promise.all(this.#running)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #onConnection(socket: Socket): void {
    socket.on('error', () => undefined)
    const connection = new ScriptedConnection(socket, this.connections.length + 1)
    this.connections.push(connection)
    const done: Promise<void> = this.#play(connection).finally(() => this.#running.delete(done))
    this.#running.add(done)
  }

  async #play(connection: ScriptedConnection): Promise<void> {
    try {
      await this.#script(connection)
      connection.end()
    } catch (error) {
      if (!(error instanceof PeerGoneError) && !this.#isClosing) this.failures.push(error)
      connection.destroy()
    }
  }
}
