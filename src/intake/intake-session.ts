// Drives one session: bytes from the client to the step function, its effects to the socket and to the
// mail desk. Replies to one pipelined group leave in one write.

import type { Deadlines, Expirable } from '#base/deadlines.ts'
import type { Connection } from '#net/connection.ts'
import {
  initialState,
  step,
  type Effect,
  type SessionEvent,
  type SessionRules,
  type SessionState,
} from '#session/session.ts'
import type { Command } from '#smtp/command.ts'
import { LineDecoder, type DecodedLine } from '#smtp/line-decoder.ts'
import { parseCommand } from '#smtp/parse-command.ts'
import type { ForwardPath } from '#smtp/path.ts'
import { encodeReply, reply, type Reply } from '#smtp/reply.ts'
import type { IntakeEvent, SessionCloseReason } from './intake-event.ts'
import type { JudgedRecipient } from './judge-recipient.ts'
import { MailDesk, type MailDeskOptions } from './mail-desk.ts'

type SecureContext = Parameters<Connection['startTlsServer']>[0]

/** All in milliseconds. */
export interface SessionTimeouts {
  readonly commandMs: number
  /** Longest pause between two pieces of content. */
  readonly dataMs: number
  /** Longest life of a session that is not just handing a mail over. */
  readonly sessionMs: number
}

export interface IntakeSessionOptions {
  readonly rules: SessionRules
  readonly timeouts: SessionTimeouts
  readonly deadlines: Deadlines
  readonly tlsContext: () => SecureContext | null
  readonly desk: MailDeskOptions
  readonly monotonicMs: () => number
  readonly emit: (event: IntakeEvent) => void
}

/** Commands waiting behind a verification or a hand-over; above it the client is held up. */
const maxPendingBytes = 64 * 1024
/** Replies the client does not read; above it nothing more is read from the client. */
const maxUnsentBytes = 64 * 1024
/** How long a client may take to close after the last reply. */
const lingerMs = 5000
/** RCPTs of one pipelined group that are verified ahead of their turn: no more than may be guessed. */
const maxLookAheadCount = 20

export class IntakeSession implements Expirable {
  deadlineMs: number = Infinity
  readonly id: string
  readonly #connection: Connection
  readonly #options: IntakeSessionOptions
  readonly #onClosed: (session: IntakeSession) => void
  readonly #desk: MailDesk
  readonly #openedMs: number
  #decoder = new LineDecoder()
  #state: SessionState = initialState
  #outbox = ''
  /** Verifications, hand-overs, handshakes and penalties under way: no command is taken meanwhile. */
  #waitCount = 0
  #waitDeadlineMs = Infinity
  #isHandingOver = false
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
    onClosed: (session: IntakeSession) => void,
  ) {
    this.id = id
    this.#connection = connection
    this.#options = options
    this.#onClosed = onClosed
    this.#desk = new MailDesk(options.desk, id, () => this.#onDiskProgress())
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
      onDrain: () => this.#resumeReading(),
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

  /** Ends the session now, whatever is in progress. */
  destroy(): void {
    this.#connection.destroy()
  }

  /** The client took too long, or does not close after the last reply. */
  expire(): void {
    const { phase } = this.#state
    if (phase === 'closed' || phase === 'handshake' || this.#connection.unsentBytes > 0) {
      if (phase !== 'closed') this.#closeReason = 'timeout'
      this.#connection.destroy()
      return
    }
    this.#guard(() => {
      this.#feed({ kind: 'timeout' })
      this.#pump()
    })
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
    return this.#draining === 'now' && phase !== 'content'
  }

  #onData(chunk: Buffer): void {
    this.#receivedBytes += chunk.length
    if (this.#state.phase === 'closed') return
    if (this.#state.phase === 'content' && !this.#isWaiting) this.#onContent(chunk)
    else this.#decoder.push(chunk)
    this.#pump()
  }

  /** Takes commands, or content, until the input is used up or something has to be waited for. */
  #pump(): void {
    if (this.#isClosed) return // nobody is there any more to be answered
    while (!this.#isWaiting && this.#state.phase !== 'closed') {
      if (this.#isToBeEnded) {
        this.#feed({ kind: 'draining' })
      } else if (this.#state.phase === 'content') {
        if (this.#decoder.pendingBytes === 0) break
        this.#onContent(this.#decoder.rest())
      } else {
        const line = this.#decoder.next()
        if (line === null) break
        this.#onLine(line)
      }
    }
    this.#afterPump()
  }

  #afterPump(): void {
    if (!this.#isWaiting) this.#flush()
    const { phase } = this.#state
    if (phase === 'closed') this.#endConnection()
    else if (this.#isWaiting) this.deadlineMs = this.#waitDeadlineMs
    else if (this.#hasClientEnded) this.#endConnection()
    else {
      const { commandMs, dataMs, sessionMs } = this.#options.timeouts
      const nextMs = this.#options.deadlines.in(phase === 'content' ? dataMs : commandMs)
      // A client that sends a byte now and then must not hold a session for ever.
      this.deadlineMs = Math.min(nextMs, this.#openedMs + sessionMs)
    }
    this.#holdClientBack()
  }

  #holdClientBack(): void {
    const isTooMuch =
      this.#decoder.pendingBytes > maxPendingBytes ||
      this.#connection.unsentBytes > maxUnsentBytes ||
      this.#desk.isCongested
    if (isTooMuch) this.#connection.pause()
  }

  #resumeReading(): void {
    if (!this.#desk.isCongested && this.#connection.unsentBytes <= maxUnsentBytes) {
      this.#connection.resume()
    }
  }

  #onDiskProgress(): void {
    if (!this.#isClosed) this.#resumeReading()
  }

  #onLine(line: DecodedLine): void {
    this.#commandCount += 1
    const { monotonicMs, timeouts, emit } = this.#options
    if (monotonicMs() - this.#openedMs > timeouts.sessionMs) {
      this.#feed({ kind: 'timeout' })
      return
    }
    const parsed =
      line.kind === 'line'
        ? parseCommand(line.text)
        : ({ ok: false, problem: line.problem } as const)
    if (parsed.ok) {
      this.#onCommand(parsed.value)
      return
    }
    emit({
      kind: 'protocol-error',
      session: this.id,
      detail: parsed.problem.detail,
      line: line.text,
    })
    this.#feed({ kind: 'command-problem', problem: parsed.problem })
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
    const rest = this.#desk.pushContent(chunk)
    if (rest === null) return
    if (rest.length > 0) this.#decoder.push(rest)
    this.#feed({ kind: 'content-complete' })
  }

  /** Gives the text of the reply the event brought, for the log. */
  #feed(event: SessionEvent): string {
    const next = step(this.#options.rules, this.#state, event)
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
    const judged = this.#desk.judgeRecipient(candidate)
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
    this.#desk.recipientJudged(candidate, judged, said)
  }

  /** A pipelined group of RCPTs would otherwise be verified one round trip after the other. */
  #lookAhead(): void {
    for (const line of this.#decoder.peek(maxLookAheadCount)) {
      const parsed = parseCommand(line)
      if (!parsed.ok || parsed.value.verb !== 'RCPT') return
      this.#desk.askAhead(parsed.value.forwardPath)
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
    this.#waitDeadlineMs = this.#options.deadlines.in(this.#options.timeouts.commandMs)
  }

  async #handshake(context: SecureContext): Promise<void> {
    const { emit } = this.#options
    try {
      const { protocol, cipher, isResumed } = await this.#connection.startTlsServer(context)
      emit({ kind: 'tls-established', session: this.id, protocol, cipher, resumed: isResumed })
      this.#waitDeadlineMs = Infinity
      this.#decoder = new LineDecoder()
      this.#feed({ kind: 'encrypted' })
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error)
      emit({ kind: 'tls-failed', session: this.id, detail })
      this.#closeReason = 'tls-failed'
      this.#connection.destroy()
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
