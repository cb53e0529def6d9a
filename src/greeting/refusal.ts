// Says why and closes. The client gets a moment to read it.

import type { Deadlines, Expirable } from '#base/deadlines.ts'
import type { Connection, ConnectionHandler, SocketAddress } from '#net/connection.ts'
import { encodeReply } from '#smtp/reply.ts'
import { verdictReply } from '#verdict/replies.ts'
import type { Deferral, Rejection } from '#verdict/verdict.ts'

/** How long a refused client may take to close. */
const lingerMs = 1000
/** Refused clients that do not close; above it the connection is cut at once. */
const maxLingeringCount = 500

export class Refusals {
  readonly #deadlines: Deadlines
  readonly #hostname: string
  #lingeringCount = 0

  constructor(options: { readonly deadlines: Deadlines; readonly hostname: string }) {
    this.#deadlines = options.deadlines
    this.#hostname = options.hostname
  }

  /** What all events about a client that failed have. */
  failed<Mode>(
    { remote: client }: Connection,
    mode: Mode,
    verdict: Deferral | Rejection,
  ): { client: SocketAddress; mode: Mode; reply: string } {
    return { client, mode, reply: greetingReply(this.#hostname, verdict).trimEnd() }
  }

  refuse(connection: Connection, verdict: Deferral | Rejection): void {
    const reply = greetingReply(this.#hostname, verdict)
    if (this.#lingeringCount >= maxLingeringCount) {
      connection.attach(deaf)
      connection.write(reply)
      connection.destroy()
      return
    }
    this.#lingeringCount += 1
    const refusal = new Refusal(connection, () => {
      this.#lingeringCount -= 1
      this.#deadlines.delete(refusal)
    })
    refusal.deadlineMs = this.#deadlines.in(lingerMs)
    this.#deadlines.add(refusal)
    connection.attach(refusal)
    connection.write(reply)
    connection.end()
  }
}

/** In wire form. RFC 5321 §4.2: in place of the banner the name comes first. */
export function greetingReply(hostname: string, verdict: Deferral | Rejection): string {
  return encodeReply(verdictReply(verdict, `${hostname} `, ''))
}

const deaf: ConnectionHandler = {
  onData: () => undefined,
  onEnd: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
}

/** Reads on, so that what the client has sent does not reset the connection before it has read the reply. */
class Refusal implements ConnectionHandler, Expirable {
  deadlineMs: number = Infinity
  readonly #connection: Connection
  readonly #onGone: () => void

  constructor(connection: Connection, onGone: () => void) {
    this.#connection = connection
    this.#onGone = onGone
  }

  expire(): void {
    this.#connection.destroy()
  }

  onData(): void {
    // Not of interest.
  }

  onEnd(): void {
    // Our side is ended already.
  }

  onDrain(): void {
    // Nothing more is written.
  }

  onClose(): void {
    this.#onGone()
  }
}
