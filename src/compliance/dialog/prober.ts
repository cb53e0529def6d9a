// Opens connections to the examined server, politely: so many at a time, so many a second. Remembers the first
// contact from each vantage, so that checks share it.

import type { Clock } from '#base/clock.ts'
import { openProbeStream } from '#net/probe-stream.ts'
import type { Target, Vantage } from '#compliance/target.ts'
import {
  TranscriptWriter,
  type AddressMask,
  type Excerpt,
  type Transcript,
} from '#compliance/transcript.ts'
import { sleep, type Contact, type Opened } from './contact.ts'
import { errorText, ProbeSession, type Secured } from './session.ts'

type OnlyVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** Of a first contact. */
const maxTries = 3

export interface ProberLimits {
  readonly connectTimeoutMs: number
  readonly replyTimeoutMs: number
  /** Connections at a time. */
  readonly maxConnections: number
  /** Before a first contact that failed is tried again. */
  readonly retryPauseMs: number
  /** Between the beginnings of two connections, at least. */
  readonly connectGapMs: number
  /** Between two RCPT, at least. */
  readonly recipientGapMs: number
}

export interface ProberOptions {
  readonly target: Target
  /** What we call ourselves in EHLO: the relay's name, with a matching PTR. */
  readonly helloName: string
  /** Reverse-path for questions that shall not come from `<>`; its domain is ours. */
  readonly senderDomain: string
  /** PEM; null: those of the system. */
  readonly ca: readonly string[] | null
  readonly limits: ProberLimits
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly mask: AddressMask
}

export class Prober {
  readonly helloName: string
  readonly senderDomain: string
  readonly limits: ProberLimits
  readonly #options: ProberOptions
  readonly #transcripts: TranscriptWriter[] = []
  readonly #open = new Set<ProbeSession>()
  readonly #first = new Map<string, Promise<Contact>>()
  readonly #waiting: (() => void)[] = []
  #freeCount: number
  #nextConnectMs = 0

  constructor(options: ProberOptions) {
    this.#options = options
    this.helloName = options.helloName
    this.senderDomain = options.senderDomain
    this.limits = options.limits
    this.#freeCount = options.limits.maxConnections
  }

  get transcripts(): readonly Transcript[] {
    return this.#transcripts
  }

  /** Connects only. The caller ends the session. */
  async open(vantage: Vantage): Promise<Opened> {
    await this.#turn()
    const { target, clock, limits, signal } = this.#options
    const startMs = clock.monotonicMs()
    const transcript = new TranscriptWriter({
      id: this.#transcripts.length + 1,
      source: vantage.source,
      target: vantage.address,
      port: target.port,
      startedAtMs: clock.now(),
      elapsedMs: () => clock.monotonicMs() - startMs,
      mask: this.#options.mask,
    })
    this.#transcripts.push(transcript)
    try {
      const stream = await openProbeStream({
        ...vantage,
        port: target.port,
        timeoutMs: limits.connectTimeoutMs,
        signal,
      })
      const connectMs = clock.monotonicMs() - startMs
      transcript.source = stream.localAddress
      transcript.add('note', `connected from ${stream.localAddress}`)
      const session: ProbeSession = new ProbeSession({
        stream,
        transcript,
        replyTimeoutMs: limits.replyTimeoutMs,
        monotonicMs: clock.monotonicMs,
        signal,
        onClosed: () => this.#release(session),
      })
      this.#open.add(session)
      return { kind: 'open', session, connectMs, localAddress: stream.localAddress }
    } catch (error) {
      this.#leave()
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      const detail = errorText(error)
      transcript.add('note', `no connection: ${detail}`)
      return { kind: 'failed', code, detail, seen: transcript.since(0) }
    }
  }

  /**
   * Connects, reads the banner, says EHLO. With `asRelay` encryption is taken when offered, as the relay
   * will, and a failed handshake leaves the session closed. The caller ends the session.
   */
  async greet(vantage: Vantage, mode: 'plain' | 'asRelay' = 'plain'): Promise<Contact> {
    const opened = await this.open(vantage)
    if (opened.kind === 'failed') return opened
    const { session } = opened
    const banner = await session.read()
    const isWelcome = banner.kind === 'reply' && banner.reply.code === 220
    const ehlo = isWelcome ? await session.hello(this.helloName) : null
    const tls =
      mode === 'asRelay' && session.isOpen && session.extensions.startTls
        ? await this.secure(session)
        : null
    if (tls?.kind === 'secured') await session.hello(this.helloName)
    const connected = { transcript: session.transcript.id, from: 0, to: 1 }
    const greeted = { ...opened, connected, failedTries: [], banner, ehlo, tls }
    return { kind: 'greeted', greeted }
  }

  /** STARTTLS and the handshake. Null: refused, still in clear. */
  async secure(session: ProbeSession, onlyVersion?: OnlyVersion): Promise<Secured | null> {
    const said = await session.say('STARTTLS')
    if (said.kind !== 'reply' || said.reply.code !== 220) return null
    return await this.handshake(session, onlyVersion)
  }

  /** After the 220 to STARTTLS; judged against the name of the target. */
  async handshake(session: ProbeSession, onlyVersion?: OnlyVersion): Promise<Secured> {
    return await session.secure({
      serverName: this.#options.target.host,
      ca: this.#options.ca,
      timeoutMs: this.limits.replyTimeoutMs,
      ...(onlyVersion === undefined ? {} : { onlyVersion }),
    })
  }

  /** The first contact in clear from there; the same one for everybody who asks. Its session is over. */
  firstContact(vantage: Vantage): Promise<Contact> {
    const key = `${vantage.source ?? ''} ${vantage.address}`
    let contact = this.#first.get(key)
    if (contact === undefined) {
      contact = this.#contact(vantage)
      this.#first.set(key, contact)
    }
    return contact
  }

  /** The handshake from the first vantage, done once; null: not offered, refused, or no connection. */
  firstHandshake(): Promise<Secured | null> {
    this.#handshake ??= this.#firstHandshake()
    return this.#handshake
  }

  #handshake: Promise<Secured | null> | undefined

  /** Ends everything that is open. */
  close(): void {
    for (const session of this.#open) session.destroy()
  }

  /** A lost packet or a moment's load is not a closed port: three tries. */
  async #contact(vantage: Vantage): Promise<Contact> {
    const failedTries: Excerpt[] = []
    for (;;) {
      const contact = await this.greet(vantage)
      if (contact.kind === 'greeted') {
        await contact.greeted.session.quit()
        return { kind: 'greeted', greeted: { ...contact.greeted, failedTries } }
      }
      failedTries.push(contact.seen)
      const isLast = failedTries.length >= maxTries || contact.code === 'EADDRNOTAVAIL'
      if (isLast || !(await sleep(this.limits.retryPauseMs, this.#options.signal))) return contact
    }
  }

  async #firstHandshake(): Promise<Secured | null> {
    const contact = await this.greet(this.#options.target.vantages[0], 'asRelay')
    if (contact.kind === 'failed') return null
    await contact.greeted.session.quit()
    return contact.greeted.tls
  }

  /** Waits for a free place, and for the gap since the last connection. */
  async #turn(): Promise<void> {
    while (this.#freeCount === 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#freeCount -= 1
    const now = this.#options.clock.monotonicMs()
    const waitMs = this.#nextConnectMs - now
    this.#nextConnectMs = Math.max(now, this.#nextConnectMs) + this.limits.connectGapMs
    if (waitMs > 0) await sleep(waitMs, this.#options.signal)
  }

  #release(session: ProbeSession): void {
    if (this.#open.delete(session)) this.#leave()
  }

  #leave(): void {
    this.#freeCount += 1
    this.#waiting.shift()?.()
  }
}
