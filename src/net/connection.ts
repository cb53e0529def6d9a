// A byte stream to a peer, in clear or encrypted. The only wrapper around sockets: what stands above it
// knows bytes, back-pressure and the end, and nothing of node:net.

import type net from 'node:net'
import tls from 'node:tls'
import type { ServerHandshake } from './server-tls.ts'
import {
  checkNames,
  judgeClientCertificate,
  judgeCertificate,
  type CertificateJudgement,
  type ClientTls,
} from './client-tls.ts'

export interface SocketAddress {
  /** IPv4 or IPv6 without brackets; an IPv4-mapped address is given as IPv4. */
  readonly address: string
  readonly port: number
}

export interface TlsFacts {
  /** `TLSv1.3` */
  readonly protocol: string
  /** Standard name, e.g. `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string
  readonly isResumed: boolean
  /** Null: there is nothing to be judged, because none was asked for (the usual case for clients). */
  readonly certificate: CertificateJudgement | null
}

/** What a client needs to resume TLS with a server, and what was found out about the server's certificate. */
export interface TlsResumption {
  readonly session: Buffer
  readonly certificate: CertificateJudgement
}

/** What happens on a connection. None of these may throw. */
export interface ConnectionHandler {
  readonly onData: (chunk: Buffer) => void
  /** The peer has ended its side; ours can still be written. */
  readonly onEnd: () => void
  /** Everything written has left for the kernel after a `write` that returned false. */
  readonly onDrain: () => void
  /** Once, and last. `error` is null after an orderly end. */
  readonly onClose: (error: Error | null) => void
}

/** Who counts connections: told once, when one is closed, whoever handled it. Must not throw. */
export interface ConnectionCounter {
  readonly connectionClosed: () => void
}

export class Connection {
  /** The peer; behind a proxy, the client that the proxy names. */
  readonly remote: SocketAddress
  readonly local: SocketAddress
  #socket: net.Socket
  #handler: ConnectionHandler | null = null
  #error: Error | null = null
  #tls: TlsFacts | null = null
  /** Set during a handshake. */
  #failHandshake: ((error: Error) => void) | null = null
  /** Read already, by who had the connection before. */
  #early: Buffer | null = null
  #counter: ConnectionCounter | null = null
  /** The peer has ended its side. */
  #hasEnded = false

  /** `client`: who is behind the proxy that has connected. */
  constructor(socket: net.Socket, client?: SocketAddress) {
    this.#socket = socket
    this.remote = client ?? addressOf(socket.remoteAddress, socket.remotePort)
    this.local = addressOf(socket.localAddress, socket.localPort)
    socket.setNoDelay(true)
    this.#listen()
  }

  /**
   * From now on `handler` gets what arrives, and first what was handed on; the peer's end as well, though it
   * may have come before. Nothing of it comes before the caller has returned.
   */
  attach(handler: ConnectionHandler): void {
    this.#handler = handler
    if (this.#early === null && !this.#hasEnded) this.#socket.resume()
    else process.nextTick(() => this.#giveEarly())
  }

  /**
   * Gets ready for the next handler, which shall be attached in the same tick: `early` is what was read and
   * is not the present one's to handle, null for nothing.
   */
  handOn(early: Buffer | null): void {
    this.#socket.pause()
    if (early !== null)
      this.#early = this.#early === null ? early : Buffer.concat([this.#early, early])
  }

  /** At most one counter a connection; a later one takes the place. */
  countedBy(counter: ConnectionCounter): void {
    this.#counter = counter
  }

  get tls(): TlsFacts | null {
    return this.#tls
  }

  /** Bytes accepted by `write` that have not left for the kernel yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  /** False: stop writing until `onDrain`. Text is ASCII or UTF-8. */
  write(data: string | Buffer): boolean {
    return this.#socket.write(data)
  }

  /** Several pieces as one system call where possible. */
  writeAll(pieces: readonly Buffer[]): boolean {
    const [first] = pieces
    if (pieces.length === 1 && first !== undefined) return this.#socket.write(first)
    this.#socket.cork()
    let isRoom = true
    for (const piece of pieces) isRoom = this.#socket.write(piece)
    this.#socket.uncork()
    return isRoom
  }

  /** Stops reading: the peer feels it through TCP. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Ends our side once everything written has left; once is enough. */
  end(): void {
    // Node makes an error, with its stack, of each further end: nobody would look at it.
    if (!this.#socket.writableEnded) this.#socket.end()
  }

  /** Says this and is gone: no handler is called any more, and nothing is waited for but the kernel. */
  farewell(text: string): void {
    this.#handler = null
    this.#socket.write(text)
    this.#socket.destroySoon()
  }

  /** Ends at once; what is unsent is lost. */
  destroy(): void {
    this.#socket.destroy()
  }

  /**
   * Becomes the server side of TLS. Nothing may have been read that is not yet handled. Rejects when the
   * handshake fails, and only then is `onClose` called; the connection is of no more use.
   */
  startTlsServer({ context, contextFor, asksClients }: ServerHandshake): Promise<TlsFacts> {
    const socket = new tls.TLSSocket(this.#release(), {
      isServer: true,
      secureContext: context,
      requestCert: asksClients,
      rejectUnauthorized: false,
      SNICallback: (name, choose) => choose(null, contextFor(name) ?? undefined),
    })
    return this.#encrypted(socket, 'secure', () =>
      asksClients ? judgeClientCertificate(socket) : null,
    )
  }

  /**
   * Becomes the client side of TLS; rejects as `startTlsServer`. The certificate is judged, not enforced:
   * see `TlsFacts.certificate`.
   */
  startTlsClient(options: {
    readonly clientTls: ClientTls
    /** For SNI; null: it is not used. */
    readonly sniName: string | null
    /**
     * The certificate needs one of these: a host name, an address, or a name with a leading dot, which
     * stands for every name below it.
     */
    readonly names: readonly string[]
    readonly resume: TlsResumption | null
    /** Called whenever the server gave what a later connection can resume with. */
    readonly onResumption: (resumption: TlsResumption) => void
  }): Promise<TlsFacts> {
    const { names, sniName, clientTls, resume } = options
    const socket = tls.connect({
      socket: this.#release(),
      rejectUnauthorized: false,
      secureContext: clientTls.context,
      ...(sniName === null ? {} : { servername: sniName }),
      checkServerIdentity: (_name, certificate) => checkNames(names, certificate),
      ...(resume === null ? {} : { session: resume.session }),
    })
    let session: Buffer | null = null
    const tell = (): void => {
      const certificate = this.#tls?.certificate ?? null
      if (session !== null && certificate !== null) options.onResumption({ session, certificate })
    }
    socket.on('session', (ticket: Buffer) => {
      session = ticket
      tell()
    })
    const encrypted = this.#encrypted(socket, 'secureConnect', () =>
      // A resumed session shows no certificate: what was found at the first handshake holds.
      socket.isSessionReused() && resume !== null
        ? resume.certificate
        : judgeCertificate(socket, names),
    )
    return encrypted.then((facts) => {
      tell() // before TLS 1.3 the session comes ahead of the end of the handshake
      return facts
    })
  }

  #listen(): void {
    const socket = this.#socket
    socket.on('data', (chunk: Buffer) => this.#handler?.onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('drain', () => this.#handler?.onDrain())
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => this.#onClose())
    socket.pause()
  }

  #giveEarly(): void {
    const early = this.#early
    this.#early = null
    this.#socket.resume() // before the handler, which may want a pause
    if (early !== null && !this.#socket.destroyed) this.#handler?.onData(early)
    if (this.#hasEnded && !this.#socket.destroyed) this.#handler?.onEnd()
  }

  #onEnd(): void {
    // Nobody comes to the end of a handshake who cannot say any more.
    if (this.#failHandshake !== null) {
      this.#socket.destroy()
      return
    }
    this.#hasEnded = true
    if (this.#early === null) this.#handler?.onEnd() // else it comes behind that
  }

  #onClose(): void {
    this.#counter?.connectionClosed()
    this.#counter = null
    const giveUp = this.#failHandshake
    if (giveUp === null) {
      this.#handler?.onClose(this.#error)
      return
    }
    // First whoever waits for the handshake learns that it failed, then that the connection is gone:
    // else a failed handshake looks like any connection that was lost.
    giveUp(this.#error ?? new Error('closed during the handshake'))
    setImmediate(() => this.#handler?.onClose(this.#error))
  }

  /** Takes our listeners off the raw socket, which TLS is going to own. */
  #release(): net.Socket {
    const socket = this.#socket
    for (const event of ['data', 'end', 'drain', 'close']) socket.removeAllListeners(event)
    return socket
  }

  #encrypted(
    socket: tls.TLSSocket,
    secured: 'secure' | 'secureConnect',
    certificate: () => CertificateJudgement | null,
  ): Promise<TlsFacts> {
    return new Promise((resolve, reject) => {
      this.#socket = socket
      this.#listen()
      this.#failHandshake = reject
      socket.once(secured, () => {
        this.#failHandshake = null
        this.#tls = factsOf(socket, certificate())
        socket.resume()
        resolve(this.#tls)
      })
    })
  }
}

function factsOf(socket: tls.TLSSocket, certificate: CertificateJudgement | null): TlsFacts {
  const cipher = socket.getCipher()
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: cipher.standardName,
    isResumed: socket.isSessionReused(),
    certificate,
  }
}

/** Of a socket; its own properties are undefined once it is gone. */
export function addressOf(address: string | undefined, port: number | undefined): SocketAddress {
  const text = address ?? 'unknown'
  return { address: text.startsWith('::ffff:') ? text.slice(7) : text, port: port ?? 0 }
}
