// Drives one session: bytes from the client to the step function, its effects to the socket and to the
// mail desk. Replies to one pipelined group leave in one write.

import type { Deadlines, Expirable } from '#base/deadlines.ts'
import type { Connection } from '#net/connection.ts'
import {
  awaitsReply,
  initialState,
  lookAheadRoom,
  step,
  type Effect,
  type SessionEvent,
  type SessionRules,
  type SessionState,
  type TimedOut,
} from '#session/session.ts'
import type { Command, CommandProblem } from '#smtp/command.ts'
import { LineDecoder, type DecodedLine } from '#smtp/line-decoder.ts'
import { parseCommand, parseLine } from '#smtp/parse-command.ts'
import type { ForwardPath } from '#smtp/path.ts'
import { encodeReply, reply, type Reply } from '#smtp/reply.ts'
import { clientCertificateText } from './client-certificate.ts'
import { ClientTime } from './client-time.ts'
import type { Handshakes } from './handshakes.ts'
import type { IntakeEvent, SessionCloseReason } from './intake-event.ts'
import type { JudgedRecipient } from './judge-recipient.ts'
import { MailDesk, type MailDeskOptions } from './mail-desk.ts'

type SecureContext = Parameters<Connection['startTlsServer']>[0]

/** All in milliseconds. */
export interface SessionTimeouts {
  /** For a whole command, from the reply before it. */
  readonly commandMs: number
  /** Longest pause between two pieces of content, and the budget of content that comes slowly. */
  readonly dataMs: number
  /** Content that comes slower uses up its budget; 0: any rate will do. */
  readonly minBytesPerSecond: number
  /** Longest life of a session that is not just handing a mail over. */
  readonly sessionMs: number
}

/** What a client may do and how long it may take. */
export interface SessionLimits {
  readonly rules: SessionRules
  readonly timeouts: SessionTimeouts
}

export interface IntakeSessionOptions extends SessionLimits {
  /** In force instead while most of the places for sessions are taken, or the process is short of something. */
  readonly strained: SessionLimits
  readonly deadlines: Deadlines
  readonly tlsContext: () => SecureContext | null
  readonly desk: MailDeskOptions
  readonly monotonicMs: () => number
  readonly emit: (event: IntakeEvent) => void
}

const noOctets = Buffer.alloc(0)
/** Commands waiting behind a verification or a hand-over; above it the client is held up. */
const maxPendingBytes = 64 * 1024
/** Replies the client does not read; above it nothing more is read from the client. */
const maxUnsentBytes = 64 * 1024
/** How long a client may take to close after the last reply. */
const lingerMs = 5000
/** RCPTs of one pipelined group that are verified ahead of their turn, at most. */
const maxLookAheadCount = 20

export class IntakeSession implements Expirable {
  deadlineMs: number = Infinity
  readonly id: string
  readonly #connection: Connection
  readonly #options: IntakeSessionOptions
  readonly #onClosed: (session: IntakeSession) => void
  readonly #desk: MailDesk
  readonly #openedMs: number
  readonly #isStrained: () => boolean
  readonly #handshakes: Handshakes
  readonly #time = new ClientTime()
  /** Since the deadline was set: a whole command came, or a reply of ours is due to be answered. */
  #hasProgressed = true
  #decoder = new LineDecoder()
  #state: SessionState = initialState
  /** Of a chunk that nobody wants. */
  #unwantedBytes = 0
  /** More than once in a session is not told. */
  #hasSentAhead = false
  #outbox = ''
  /** Verifications, hand-overs, handshakes and penalties under way: no command is taken meanwhile. */
  #waitCount = 0
  #waitDeadlineMs = Infinity
  #isHandingOver = false
  /** Why we ended the handshake; '': we did not. */
  #handshakeProblem = ''
  #draining: 'no' | 'after-a-mail' | 'now' = 'no'
  #hasClientEnded = false
  #isClosed = false
  #closeReason: SessionCloseReason = 'client-gone'
  #commandCount = 0
  #receivedBytes = 0

  /** `onClosed` is called once, when nothing of the session is left. */
  constructor(
    id: string,
    connection: Connection,
    options: IntakeSessionOptions,
    on: {
      readonly onClosed: (session: IntakeSession) => void
      readonly isStrained: () => boolean
      readonly handshakes: Handshakes
    },
  ) {
    this.id = id
    this.#connection = connection
    this.#options = options
    this.#onClosed = on.onClosed
    this.#isStrained = on.isStrained
    this.#handshakes = on.handshakes
    this.#desk = new MailDesk(
      options.desk,
      id,
      () => this.#connection.remote.address,
      () => this.#onDiskProgress(),
    )
    this.#openedMs = options.monotonicMs()
  }

  start(): void {
    const { deadlines, emit } = this.#options
    const { remote: client, local: listener } = this.#connection
    emit({ kind: 'session-opened', session: this.id, client, listener })
    deadlines.add(this)
    this.#connection.attach({
      onData: (chunk) => this.#guard(() => this.#onData(chunk)),
      onEnd: () => this.#guard(() => this.#onEnd()),
      onDrain: () => this.#guard(() => this.#onDrain()),
      onClose: () => this.#onClose(),
    })
    this.#guard(() => {
      this.#feed({ kind: 'opened' })
      this.#pump()
    })
  }

  /** Ends the session as soon as no mail is in progress; `isPatient`: and it has had one. */
  drain(isPatient: boolean): void {
    this.#draining = isPatient ? 'after-a-mail' : 'now'
    this.#guard(() => this.#pump())
  }

  /** Places have become rare: what is awaited from the client is awaited for a shorter time. */
  strain(): void {
    if (this.#state.phase === 'handshake') {
      const { deadlines } = this.#options
      this.#waitDeadlineMs = Math.min(
        this.#waitDeadlineMs,
        deadlines.in(this.#limits.timeouts.commandMs),
      )
      this.deadlineMs = this.#waitDeadlineMs
    }
    if (this.#isWaiting || this.#state.phase === 'closed') return
    const { commandMs, dataMs } = this.#limits.timeouts
    const budgetMs = this.#takesContent ? dataMs : commandMs
    this.#time.shorten(this.#options.monotonicMs(), budgetMs)
    this.#setDeadline()
  }

  /** Ends the session now, whatever is in progress. */
  destroy(): void {
    this.#connection.destroy()
  }

  /** Ends a handshake that is under way. */
  breakOff(detail: string): void {
    this.#handshakeProblem = detail
    this.#connection.destroy()
  }

  /** The client took too long, or does not close after the last reply. */
  expire(): void {
    const { phase } = this.#state
    if (phase === 'handshake') {
      this.breakOff('it took too long')
      return
    }
    if (phase === 'closed' || this.#connection.unsentBytes > 0) {
      if (phase !== 'closed') this.#closeReason = 'timeout'
      this.#connection.destroy()
      return
    }
    this.#guard(() => {
      this.#feed({ kind: 'timeout', of: this.#overdue })
      this.#pump()
    })
  }

  get #limits(): SessionLimits {
    return this.#isStrained() ? this.#options.strained : this.#options
  }

  get #overdue(): TimedOut {
    if (this.#isSessionOver) return 'session'
    return this.#takesContent ? 'content' : 'command'
  }

  get #isSessionOver(): boolean {
    return this.#options.monotonicMs() - this.#openedMs >= this.#options.timeouts.sessionMs
  }

  /**
   * A client that has ended its side and sent no QUIT ahead has most likely given up: nothing tells it
   * from one that still reads.
   */
  get #isClientGone(): boolean {
    return this.#isClosed || (this.#hasClientEnded && this.#decoder.pendingBytes === 0)
  }

  get #isWaiting(): boolean {
    return this.#waitCount > 0
  }

  get #isToBeEnded(): boolean {
    const { phase, standing } = this.#state
    if (this.#draining === 'after-a-mail') return phase === 'greeted' && standing.mailCount > 0
    return this.#draining === 'now' && phase !== 'chunks' && !this.#takesContent
  }

  /** What arrives is no commands. */
  get #takesContent(): boolean {
    return this.#state.phase === 'content' || this.#state.phase === 'skipping'
  }

  #onData(chunk: Buffer): void {
    this.#receivedBytes += chunk.length
    if (this.#state.phase === 'closed') return
    if (this.#takesContent && !this.#isWaiting) {
      const { dataMs: pauseMs, minBytesPerSecond } = this.#limits.timeouts
      this.#time.took(chunk.length, this.#options.monotonicMs(), { pauseMs, minBytesPerSecond })
      this.#onContent(chunk)
    } else this.#decoder.push(chunk)
    this.#pump()
  }

  #onDrain(): void {
    this.#resumeReading()
    this.#pump() // commands may have waited for room for their replies
  }

  /** Takes commands, or content, until the input is used up or something has to be waited for. */
  #pump(): void {
    if (this.#isClosed) return // nobody is there any more to be answered
    while (!this.#isWaiting && this.#state.phase !== 'closed') {
      if (this.#isToBeEnded) {
        this.#feed({ kind: 'draining' })
      } else if (this.#takesContent) {
        if (this.#decoder.pendingBytes === 0) break
        this.#onContent(this.#decoder.rest())
      } else {
        if (!this.#hasRoomForReplies()) break
        const line = this.#decoder.next()
        if (line === null) break
        this.#hasProgressed = true
        this.#onLine(line)
      }
    }
    this.#afterPump()
  }

  #afterPump(): void {
    if (!this.#isWaiting) this.#flush()
    const { phase } = this.#state
    if (phase === 'closed') this.#endConnection()
    else if (this.#isWaiting) {
      this.#hasProgressed = true // whatever is waited for, the client's time begins after it
      this.deadlineMs = this.#waitDeadlineMs
    } else if (this.#hasClientEnded && this.#hasRoomForReplies()) this.#endConnection()
    else {
      if (this.#hasProgressed) this.#beginTime()
      this.#setDeadline()
    }
    this.#holdClientBack()
  }

  #beginTime(): void {
    const { commandMs, dataMs } = this.#limits.timeouts
    this.#time.begin(this.#options.monotonicMs(), this.#takesContent ? dataMs : commandMs)
    this.#hasProgressed = false
  }

  /** A client that sends a line now and then must not hold a session for ever. */
  #setDeadline(): void {
    const { sessionMs } = this.#options.timeouts
    this.deadlineMs = Math.min(this.#time.deadlineMs, this.#openedMs + sessionMs)
  }

  /** False: the client does not read its replies; no more are made for it. */
  #hasRoomForReplies(): boolean {
    if (this.#outbox.length > maxUnsentBytes) this.#flush()
    return this.#connection.unsentBytes <= maxUnsentBytes
  }

  #holdClientBack(): void {
    if (this.#desk.isCongested && !this.#isClosed) {
      this.#time.hold(this.#options.monotonicMs())
      if (!this.#isWaiting && this.#takesContent) this.#setDeadline()
    }
    const isTooMuch =
      this.#decoder.pendingBytes > maxPendingBytes ||
      this.#connection.unsentBytes > maxUnsentBytes ||
      this.#desk.isCongested
    if (isTooMuch) this.#connection.pause()
  }

  #resumeReading(): void {
    if (this.#desk.isCongested) return
    this.#time.release(this.#options.monotonicMs())
    if (!this.#isWaiting && this.#takesContent) this.#setDeadline()
    if (this.#connection.unsentBytes <= maxUnsentBytes) this.#connection.resume()
  }

  #onDiskProgress(): void {
    if (!this.#isClosed) this.#resumeReading()
  }

  #onLine(line: DecodedLine): void {
    this.#commandCount += 1
    if (this.#isSessionOver) {
      this.#feed({ kind: 'timeout', of: 'session' })
      return
    }
    const parsed = parseLine(line)
    if (!parsed.ok) this.#onProblem(parsed.problem, line.text)
    else if (this.#isInTurn(parsed.value, line.text)) this.#onCommand(parsed.value)
  }

  #onProblem(problem: CommandProblem, line: string): void {
    this.#options.emit({ kind: 'protocol-error', session: this.id, detail: problem.detail, line })
    this.#feed({ kind: 'command-problem', problem })
  }

  /** False: the client has sent on where it has to wait, and this was its end. */
  #isInTurn({ verb }: Command, line: string): boolean {
    if (this.#decoder.pendingBytes === 0 || !awaitsReply(this.#state, verb)) return true
    const detail = `more was sent before the reply to ${verb}`
    if (this.#options.rules.isPipeliningEnforced) {
      this.#onProblem({ kind: 'out-of-turn', detail }, line)
      return false
    }
    if (!this.#hasSentAhead) {
      this.#options.emit({ kind: 'protocol-error', session: this.id, detail, line })
    }
    this.#hasSentAhead = true
    return true
  }

  #onCommand(command: Command): void {
    this.#feed({ kind: 'command', command })
    if (command.verb !== 'EHLO' && command.verb !== 'HELO') return
    const { name } = command
    this.#options.emit({
      kind: 'greeted',
      session: this.id,
      name,
      isExtended: command.verb === 'EHLO',
    })
  }

  #onContent(chunk: Buffer): void {
    const isWanted = this.#state.phase === 'content'
    const rest = isWanted ? this.#desk.pushContent(chunk) : this.#skip(chunk)
    if (rest === null) return
    this.#hasProgressed = true
    if (rest.length > 0) this.#decoder.push(rest)
    this.#feed({ kind: 'content-complete', isDoomed: isWanted && this.#desk.isDoomed })
  }

  #skip(chunk: Buffer): Buffer | null {
    const count = Math.min(this.#unwantedBytes, chunk.length)
    this.#unwantedBytes -= count
    return this.#unwantedBytes > 0 ? null : chunk.subarray(count)
  }

  /** Gives the text of the reply the event brought, for the log. */
  #feed(event: SessionEvent): string {
    const next = step(this.#limits.rules, this.#state, event)
    this.#state = next.state
    const { phase } = next.state
    if (phase === 'greeted' || phase === 'connected') this.#desk.reset()
    let said = ''
    for (const effect of next.effects) said = this.#perform(effect) || said
    return said
  }

  #perform(effect: Effect): string {
    switch (effect.kind) {
      case 'reply':
        return this.#say(effect.reply, effect.delayMs)
      case 'judge-sender': {
        const verdict = this.#desk.judgeSender(effect.transaction)
        return this.#feed({ kind: 'sender-judged', verdict, traceId: this.#desk.mailId })
      }
      case 'judge-recipient':
        this.#judgeRecipient(effect.candidate)
        return ''
      case 'receive-content':
        this.#desk.beginContent()
        return ''
      case 'receive-chunk':
        this.#desk.beginChunk(effect.sizeBytes, effect.isLast)
        if (effect.sizeBytes === 0) this.#onContent(noOctets)
        return ''
      case 'skip-octets':
        this.#unwantedBytes = effect.count
        return ''
      case 'judge-mail':
        this.#wait(this.#judgeMail())
        return ''
      case 'start-tls':
        this.#startTls(effect.ready, effect.refused)
        return ''
      case 'close':
        this.#closeReason = effect.reason
        return ''
    }
  }

  #say(message: Reply, delayMs: number): string {
    const text = encodeReply(message)
    if (delayMs === 0) this.#outbox += text
    else this.#wait(delay(delayMs).then(() => void (this.#outbox += text)))
    return text.trimEnd()
  }

  #flush(): void {
    if (this.#outbox === '' || this.#isClosed) return
    this.#connection.write(this.#outbox)
    this.#outbox = ''
  }

  #judgeRecipient(candidate: ForwardPath): void {
    const judged = this.#desk.recipients.judge(candidate)
    if (!(judged instanceof Promise)) {
      this.#recipientJudged(candidate, judged)
      return
    }
    this.#lookAhead()
    this.#wait(
      judged.then((value) => {
        if (!this.#isClosed) this.#recipientJudged(candidate, value)
      }),
    )
  }

  #recipientJudged(candidate: ForwardPath, judged: JudgedRecipient): void {
    const { verdict } = judged
    const said = this.#feed({ kind: 'recipient-judged', verdict, traceId: this.#desk.mailId })
    this.#desk.recipients.judged(candidate, judged, said)
  }

  /** A pipelined group of RCPTs would otherwise be verified one round trip after the other. */
  #lookAhead(): void {
    if (this.#decoder.pendingBytes === 0 || this.#draining !== 'no') return
    const room = lookAheadRoom(this.#limits.rules, this.#state)
    let errorCount = 0
    for (const line of this.#decoder.peek(Math.min(maxLookAheadCount, room.recipientCount))) {
      const parsed = parseCommand(line)
      if (!parsed.ok || parsed.value.verb !== 'RCPT') return
      if (!this.#desk.recipients.mayAskAhead) return
      if (!this.#desk.recipients.askAhead(parsed.value.forwardPath)) errorCount += 1
      if (errorCount >= room.errorCount) return
    }
  }

  async #judgeMail(): Promise<void> {
    const state = this.#state
    if (state.phase !== 'final') throw new Error(`a mail is judged in phase ${state.phase}`)
    this.#isHandingOver = true
    try {
      const { judgement, settle } = await this.#desk.judgeMail({
        address: this.#connection.remote.address,
        greeting: state.greeting,
        tlsCipher: this.#connection.tls?.cipher ?? null,
        clientCertificate: clientCertificateText(this.#connection.tls),
        port: this.#connection.remote.port,
      })
      const { verdict, words, isUnclear } = judgement
      if (isUnclear) {
        this.#closeReason = 'unclear'
        this.#connection.destroy()
        await settle('', true)
        return
      }
      const traceId = this.#desk.mailId
      const said = this.#feed({ kind: 'mail-judged', verdict, traceId, words })
      this.#flush()
      await settle(said, this.#isClientGone)
    } finally {
      this.#isHandingOver = false
      if (this.#isClosed) this.#finish()
    }
  }

  #startTls(ready: Reply, refused: Reply): void {
    const context = this.#options.tlsContext()
    if (context === null || this.#decoder.pendingBytes > 0) {
      this.#outbox += encodeReply(refused)
      this.#state = { phase: 'closed', standing: this.#state.standing }
      this.#closeReason = 'protocol-violation'
      return
    }
    this.#outbox += encodeReply(ready)
    this.#flush()
    this.#wait(this.#handshake(context))
    this.#waitDeadlineMs = this.#options.deadlines.in(this.#limits.timeouts.commandMs)
  }

  async #handshake(context: SecureContext): Promise<void> {
    const { emit } = this.#options
    this.#handshakes.begin(this)
    try {
      const facts = await this.#connection.startTlsServer(context)
      const { protocol, cipher, isResumed: resumed } = facts
      const clientCertificate = clientCertificateText(facts)
      emit({
        kind: 'tls-established',
        session: this.id,
        protocol,
        cipher,
        resumed,
        ...(clientCertificate !== undefined && { clientCertificate }),
      })
      this.#waitDeadlineMs = Infinity
      this.#decoder = new LineDecoder()
      this.#feed({ kind: 'encrypted' })
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error)
      const detail = this.#handshakeProblem || cause
      emit({ kind: 'tls-failed', session: this.id, detail })
      this.#closeReason = 'tls-failed'
      this.#connection.destroy()
    } finally {
      this.#handshakes.end(this)
    }
  }

  /** No command is taken until `work` is done; then the dialog goes on. */
  #wait(work: Promise<void>): void {
    this.#waitCount += 1
    work
      .then(() => {
        this.#waitCount -= 1
        this.#resumeReading()
        this.#pump()
      })
      .catch((error: unknown) => this.#onBug(error))
  }

  #onEnd(): void {
    this.#hasClientEnded = true
    if (this.#isHandingOver && this.#isClientGone) this.#desk.clientGone()
    this.#pump()
  }

  #endConnection(): void {
    this.#connection.end()
    this.deadlineMs = this.#options.deadlines.in(lingerMs)
  }

  #onClose(): void {
    this.#isClosed = true
    this.#options.deadlines.delete(this)
    if (this.#isHandingOver) this.#desk.clientGone()
    this.#desk.reset()
    if (!this.#isHandingOver) this.#finish()
  }

  #finish(): void {
    const { emit, monotonicMs } = this.#options
    emit({
      kind: 'session-closed',
      session: this.id,
      client: this.#connection.remote,
      reason: this.#closeReason,
      mailCount: this.#desk.mailCount,
      commandCount: this.#commandCount,
      receivedBytes: this.#receivedBytes,
      durationMs: monotonicMs() - this.#openedMs,
    })
    this.#onClosed(this)
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#onBug(error)
    }
  }

  /** A fault of ours: the client keeps its mail, the process lives. */
  #onBug(error: unknown): void {
    this.#options.emit({ kind: 'internal-error', session: this.id, error })
    this.#closeReason = 'internal-error'
    this.#state = { phase: 'closed', standing: this.#state.standing }
    this.#waitCount = 0
    const farewell = reply(421, '3.0', `${this.#options.rules.hostname} internal error`)
    this.#outbox += encodeReply(farewell)
    this.#flush()
    this.#endConnection()
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
