// Drives one connection to a next hop: bytes to the client side of the dialog, its effects to the socket,
// deadlines to both. One task at a time; between tasks the dialog belongs to the pool.

import type { Deadlines, Expirable } from '#base/deadlines.ts'
import {
  initialClientState,
  stageOf,
  step,
  type Ask,
  type ClientEffect,
  type ClientEvent,
  type ClientRules,
  type ClientState,
  type Pending,
  type Transfer,
} from '#client/client.ts'
import type { Connection } from '#net/connection.ts'
import type { Extensions } from '#smtp/extensions.ts'
import { ReplyDecoder, type DecodedReply } from '#smtp/reply-decoder.ts'
import { isPositive } from '#smtp/reply.ts'
import type { DialogOutcome, DialogOwner, DialogTimeouts } from './dialog-outcome.ts'
import { encrypt, type DialogTls } from './encrypt.ts'
import { tlsStanding, tlsText, type TlsStanding } from './judge-tls.ts'
import type { ContentReader, NextHopFacts, NoAnswer } from './nexthop.ts'
import { encodeWayOut } from './trace-field.ts'

export type { DialogOutcome, DialogOwner, DialogTimeouts } from './dialog-outcome.ts'

export interface DialogOptions {
  readonly connection: Connection
  readonly rules: ClientRules
  readonly server: string
  readonly timeouts: DialogTimeouts
  readonly deadlines: Deadlines
  readonly owner: DialogOwner
  readonly tls: DialogTls
}

/** For the reply to QUIT and the end of the connection. */
const farewellMs = 2000
const maxFarewellBytes = 16 * 1024

type Settle = (outcome: DialogOutcome) => void

export class Dialog implements Expirable {
  deadlineMs: number = Infinity
  /** Questions and mails begun on this connection. */
  useCount: number = 0
  /** Questions of these that were answered with anything but yes. */
  refusalCount: number = 0
  readonly #options: DialogOptions
  readonly #decoder = new ReplyDecoder()
  #state: ClientState = initialClientState
  #extensions: Extensions | null = null
  #settle: Settle | null = null
  #budgetDeadlineMs = Infinity
  #content: ContentReader | null = null
  #isContentSent = false
  #isQuitting = false
  #isClosing = false
  #farewellBytes = 0
  #isGone = false
  #isSpent = false
  #wayOut: Buffer | null = null
  /** Goes out with the first piece of the content. */
  #unsentTrace: Buffer | null = null

  constructor(options: DialogOptions) {
    this.#options = options
    options.deadlines.add(this)
    options.connection.attach({
      onData: (chunk) => this.#onData(chunk),
      onEnd: () => this.#lost('the connection was closed by the server'),
      onDrain: () => this.#pumpContent(),
      onClose: (error) => {
        this.#lost(error?.message ?? 'the connection was closed by the server')
        this.#gone()
      },
    })
  }

  /** Banner, EHLO, STARTTLS: settles with `ready` or `failed`. */
  open(budgetMs: number): Promise<DialogOutcome> {
    return this.#begin(budgetMs, null)
  }

  ask(ask: Ask, budgetMs: number): Promise<DialogOutcome> {
    this.useCount += 1
    return this.#begin(budgetMs, { kind: 'ask', ask })
  }

  /** The dialog puts `wayOut` in front of `content`, reads it and closes it; `sizeBytes` is of both. */
  transfer(transfer: Transfer, content: ContentReader, budgetMs: number): Promise<DialogOutcome> {
    this.useCount += 1
    this.#content = content
    this.#unsentTrace = this.wayOut
    this.#isContentSent = false
    return this.#begin(budgetMs, { kind: 'transfer', transfer })
  }

  /** The trace field of this connection: the same for all its mails, so it is made once. */
  get wayOut(): Buffer {
    const { connection, rules, server, tls } = this.#options
    this.#wayOut ??= Buffer.from(
      encodeWayOut({
        hostname: rules.hostname,
        server,
        policy: tls.policy,
        tls: connection.tls,
        isOffered: this.#extensions?.startTls === true,
        isTried: rules.tls !== 'none',
      }),
    )
    return this.#wayOut
  }

  /** XCLIENT was said: the server takes the connection for another client's (its permissions included). */
  get isSpent(): boolean {
    return this.#isSpent
  }

  /** Says goodbye; only between tasks. */
  quit(): void {
    this.#isQuitting = true
    this.#feed({ kind: 'quit' })
  }

  get isReady(): boolean {
    return this.#state.phase === 'ready' && this.#settle === null
  }

  facts(): NextHopFacts {
    const { connection, server } = this.#options
    const { policy, trust } = this.#options.tls
    return {
      server,
      address: connection.remote.address,
      port: connection.remote.port,
      tls: tlsText(policy, trust, connection.tls),
      extensions: this.#extensions,
    }
  }

  /** As of now: what the connection is worth. */
  get tlsStanding(): TlsStanding {
    return tlsStanding(this.#options.tls.policy, this.#options.connection.tls)
  }

  get tlsProtocol(): string | null {
    return this.#options.connection.tls?.protocol ?? null
  }

  /** The pool's wait for work is over, or the peer took too long. */
  expire(): void {
    if (this.isReady) {
      this.quit()
      return
    }
    const stage = stageOf(this.#state)
    this.#fail({ kind: 'timeout', stage, detail: `no answer in time (${stage})`, reply: null })
    this.#close()
  }

  #begin(budgetMs: number, event: ClientEvent | null): Promise<DialogOutcome> {
    const { deadlines, timeouts } = this.#options
    return new Promise((settle) => {
      this.#settle = settle
      this.#budgetDeadlineMs = deadlines.in(budgetMs)
      this.#expectWithin(timeouts.commandMs)
      if (this.#isClosing) this.#lost('the connection was closed by the server')
      else if (event !== null) this.#feed(event)
    })
  }

  #expectWithin(ms: number): void {
    this.deadlineMs = Math.min(this.#options.deadlines.in(ms), this.#budgetDeadlineMs)
  }

  #onData(chunk: Buffer): void {
    if (this.#isClosing) {
      this.#onFarewell(chunk)
      return
    }
    this.#decoder.push(chunk)
    let decoded = this.#decoder.next()
    while (decoded !== null && this.#state.phase !== 'closed') {
      const following = this.#decoder.next()
      this.#feed(
        decoded.kind === 'malformed'
          ? decoded
          : { kind: 'reply', reply: decoded.reply, pending: this.#pendingBehind(following) },
      )
      decoded = following
    }
    // Half a reply while nothing is asked would be finished in place of the next answer.
    if (this.#state.phase === 'ready' && this.#decoder.isPending) {
      this.#feed({ kind: 'malformed', detail: 'the beginning of a reply before its question' })
    }
  }

  /** The reply to QUIT is of no interest; whoever has more to say than that is not waited for. */
  #onFarewell(chunk: Buffer): void {
    this.#farewellBytes += chunk.length
    if (this.#farewellBytes > maxFarewellBytes) this.#options.connection.destroy()
  }

  #pendingBehind(following: DecodedReply | null): Pending {
    if (following === null) return this.#decoder.isPending ? 'something' : 'nothing'
    const isGoodbye = following.kind === 'reply' && following.reply.code === 421
    return isGoodbye && !this.#decoder.isPending ? 'closing' : 'something'
  }

  #feed(event: ClientEvent): void {
    const next = step(this.#options.rules, this.#state, event)
    this.#state = next.state
    if (next.state.phase === 'presenting') this.#isSpent = true
    else if ('extensions' in next.state) this.#extensions = next.state.extensions
    for (const effect of next.effects) this.#perform(effect)
  }

  #perform(effect: ClientEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#options.connection.write(effect.text)
        this.#expectWithin(this.#options.timeouts.commandMs)
        break
      case 'start-tls':
        void this.#startTls()
        break
      case 'send-content':
        this.#expectWithin(this.#options.timeouts.contentMs)
        this.#pumpContent()
        break
      case 'ready':
        this.#onReady()
        break
      case 'failed':
        this.#fail(effect.failure)
        break
      case 'close':
        this.#close()
        break
      case 'question-answered':
        if (!isPositive(effect.reply)) this.refusalCount += 1
        this.#finish(effect)
        break
      case 'recipients-refused':
      case 'transfer-answered':
        this.#finish(effect)
        break
    }
  }

  #onReady(): void {
    // The first `ready` is itself an outcome; a later one follows the outcome of its task.
    this.#finish({ kind: 'ready' })
    this.deadlineMs = this.#options.deadlines.in(this.#options.timeouts.idleMs)
    this.#options.owner.onReady(this)
  }

  #finish(outcome: DialogOutcome): void {
    const settle = this.#settle
    this.#settle = null
    this.#budgetDeadlineMs = Infinity
    this.#content?.close()
    this.#content = null
    settle?.(outcome)
  }

  #fail(cause: NoAnswer): void {
    this.#finish({ kind: 'failed', cause, isContentSent: this.#isContentSent })
  }

  async #startTls(): Promise<void> {
    const { connection, server, tls } = this.#options
    this.#expectWithin(this.#options.timeouts.commandMs)
    try {
      await encrypt(connection, server, tls)
      this.#feed({ kind: 'encrypted' })
    } catch (error) {
      this.#broken('tls', 'starttls', error)
    }
  }

  #pumpContent(): void {
    if (this.#state.phase !== 'content' || this.#content === null) return
    try {
      const pieces = this.#content.next()
      if (pieces instanceof Promise) {
        pieces
          .then((value) => this.#sendPieces(value))
          .catch((error) => this.#broken('local', 'content', error))
      } else {
        this.#sendPieces(pieces)
      }
    } catch (error) {
      this.#broken('local', 'content', error)
    }
  }

  #sendPieces(pieces: readonly Buffer[] | null): void {
    if (this.#state.phase !== 'content') return
    if (pieces === null) {
      this.#isContentSent = true
      this.#feed({ kind: 'content-sent' })
      this.#expectWithin(this.#options.timeouts.finalMs)
      return
    }
    this.#expectWithin(this.#options.timeouts.contentMs)
    const trace = this.#unsentTrace
    this.#unsentTrace = null
    // After a `false`, onDrain goes on.
    const { connection } = this.#options
    if (connection.writeAll(trace === null ? pieces : [trace, ...pieces])) this.#pumpContent()
  }

  /** TLS failed; or our own file could not be read, and the content must not be ended: the connection goes. */
  #broken(kind: 'tls' | 'local', stage: 'starttls' | 'content', error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error)
    this.#fail({ kind, stage, detail, reply: null })
    this.#close()
  }

  #lost(detail: string): void {
    const stage = stageOf(this.#state)
    this.#state = { phase: 'closed' }
    this.#fail({ kind: 'io', stage, detail, reply: null })
    this.#close()
  }

  #close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#state = { phase: 'closed' }
    this.deadlineMs = Infinity
    this.#options.deadlines.delete(this)
    const { connection } = this.#options
    if (!this.#isQuitting) {
      // Nothing is left to be said or heard, and a peer that floods us must not go on.
      connection.destroy()
      return
    }
    connection.end()
    // A peer that does not end its side must not keep the socket.
    setTimeout(() => connection.destroy(), farewellMs).unref()
  }

  /** Until now the server counted this connection, so its owner has to. */
  #gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#options.owner.onClosed(this)
  }
}
