// One session of the catcher: the server side of the dialog, whose recipients are tokens and whose mails are classified
// and kept. Nothing here writes to anybody but the client that has connected.

import type { Deadlines, Expirable } from '#base/deadlines.ts'
import type { Connection } from '#net/connection.ts'
import {
  initialState,
  step,
  type Effect,
  type SessionEvent,
  type SessionRules,
  type SessionState,
  type TimedOut,
} from '#session/session.ts'
import { ContentDecoder } from '#smtp/content-decoder.ts'
import { LineDecoder } from '#smtp/line-decoder.ts'
import { parseLine } from '#smtp/parse-command.ts'
import { reversePathText, type ForwardPath } from '#smtp/path.ts'
import { encodeReply, reply } from '#smtp/reply.ts'
import { accept, defer, reject, type Verdict } from '#verdict/verdict.ts'
import {
  CatcherError,
  maxMailsPerToken,
  type CatcherEvent,
  type CatchStore,
  type Returned,
  type TokenContext,
} from './catcher.ts'
import { classifyMail, maxHeadBytes } from './classify.ts'
import { tokenIn } from './token.ts'

export interface CatchSessionOptions {
  /** A-label: whose local parts are tokens. */
  readonly domain: string
  readonly rules: SessionRules
  readonly timeouts: { readonly idleMs: number; readonly sessionMs: number }
  readonly store: CatchStore
  readonly deadlines: Deadlines
  readonly now: () => number
  readonly emit: (event: CatcherEvent) => void
  readonly onClosed: (session: CatchSession) => void
}

interface AskedToken extends TokenContext {
  readonly token: string
}

const maxUnsentBytes = 64 * 1024
/** How long a client may take to close after the last reply. */
const lingerMs = 5000
const maxNameLength = 255

export class CatchSession implements Expirable {
  deadlineMs: number
  readonly #connection: Connection
  readonly #options: CatchSessionOptions
  readonly #endMs: number
  #decoder = new LineDecoder()
  #state: SessionState = initialState
  #outbox = ''
  /** Of the open transaction. */
  #asked: AskedToken[] = []
  #content: ContentDecoder | null = null
  #head: Buffer[] = []
  #headBytes = 0
  #sizeBytes = 0
  #isClosed = false

  constructor(connection: Connection, options: CatchSessionOptions) {
    this.#connection = connection
    this.#options = options
    this.#endMs = options.deadlines.in(options.timeouts.sessionMs)
    this.deadlineMs = options.deadlines.in(options.timeouts.idleMs)
  }

  start(): void {
    this.#options.deadlines.add(this)
    this.#connection.attach({
      onData: (chunk) => this.#guard(() => this.#onData(chunk)),
      onEnd: () => this.#connection.end(),
      onDrain: () => {
        this.#connection.resume()
        this.#guard(() => this.#pump())
      },
      onClose: () => this.#onClose(),
    })
    this.#guard(() => {
      this.#feed({ kind: 'opened' })
      this.#flush()
    })
  }

  /** Ends it now; nothing is written to the store afterwards. */
  destroy(): void {
    this.#guard(() => this.#abandon(this.#state))
    this.#connection.destroy()
  }

  expire(): void {
    if (this.#state.phase === 'closed' || this.#connection.unsentBytes > 0) {
      this.#connection.destroy()
      return
    }
    this.#guard(() => {
      this.#feed({ kind: 'timeout', of: this.#overdue() })
      this.#flush()
    })
  }

  #overdue(): TimedOut {
    if (this.#options.deadlines.in(0) >= this.#endMs) return 'session'
    return this.#content === null ? 'command' : 'content'
  }

  #onData(chunk: Buffer): void {
    if (this.#state.phase === 'closed') return
    const { deadlines, timeouts } = this.#options
    this.deadlineMs = Math.min(this.#endMs, deadlines.in(timeouts.idleMs))
    this.#decoder.push(chunk)
    this.#pump()
  }

  /** Takes commands, or content, until the input is used up or the client does not read its replies. */
  #pump(): void {
    while (this.#state.phase !== 'closed' && !this.#isClosed) {
      if (this.#content !== null) {
        if (this.#decoder.pendingBytes === 0) break
        this.#onContent(this.#content, this.#decoder.rest())
        continue
      }
      if (this.#outbox.length > maxUnsentBytes) this.#flush()
      if (this.#connection.unsentBytes > maxUnsentBytes) {
        this.#connection.pause()
        return
      }
      const line = this.#decoder.next()
      if (line === null) break
      const parsed = parseLine(line)
      this.#feed(
        parsed.ok
          ? { kind: 'command', command: parsed.value }
          : { kind: 'command-problem', problem: parsed.problem },
      )
    }
    this.#flush()
  }

  #feed(event: SessionEvent): void {
    const before = this.#state
    const next = step(this.#options.rules, before, event)
    this.#state = next.state
    const { phase } = next.state
    // RSET, a second EHLO, QUIT, the end: the transaction is over, and no content came.
    if (phase === 'greeted' || phase === 'connected' || phase === 'closed') this.#abandon(before)
    for (const effect of next.effects) this.#perform(effect)
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'reply':
        this.#outbox += encodeReply(effect.reply)
        return
      case 'judge-sender':
        this.#feed({ kind: 'sender-judged', verdict: accept, traceId: '' })
        return
      case 'judge-recipient':
        this.#feed({
          kind: 'recipient-judged',
          verdict: this.#judgeRecipient(effect.candidate),
          traceId: '',
        })
        return
      case 'receive-content':
        this.#content = new ContentDecoder()
        return
      case 'judge-mail':
        this.#feed({ kind: 'mail-judged', verdict: this.#judgeMail(), traceId: '', words: '' })
        return
      case 'close':
        this.#flush()
        this.#endConnection()
        return
      case 'receive-chunk':
      case 'skip-octets':
      case 'start-tls':
        // Neither CHUNKING nor STARTTLS is offered, and the session refuses what is not.
        throw new Error(`the session of the catcher wants ${effect.kind}`)
    }
  }

  #judgeRecipient(candidate: ForwardPath): Verdict {
    const { store, domain, now, rules } = this.#options
    const token =
      candidate.kind === 'mailbox' && candidate.mailbox.domain === domain
        ? tokenIn(candidate.mailbox.local)
        : null
    try {
      const found = token === null ? null : store.find(token, now())
      if (token !== null && found !== null && found.mailCount < maxMailsPerToken) {
        this.#asked.push({ ...found, token })
        return accept
      }
    } catch (error) {
      return this.#failed(error)
    }
    const words = { code: 550, status: '5.1.1', lines: ['no such address'] }
    return reject({ kind: 'recipient-unknown', server: rules.hostname, reply: words })
  }

  #onContent(decoder: ContentDecoder, chunk: Buffer): void {
    const { content, rest } = decoder.push(chunk)
    this.#sizeBytes += content.length
    if (this.#headBytes < maxHeadBytes) {
      const piece = Buffer.from(content.subarray(0, maxHeadBytes - this.#headBytes))
      this.#head.push(piece)
      this.#headBytes += piece.length
    }
    if (rest === null) return
    this.#content = null
    this.#decoder.push(rest)
    this.#feed({ kind: 'content-complete', isDoomed: false })
  }

  /** What is said yes to is on the disk. */
  #judgeMail(): Verdict {
    const { maxMessageBytes } = this.#options.rules
    const { phase } = this.#state
    if (phase !== 'final') throw new Error(`a mail is judged in phase ${phase}`)
    const isNullSender = this.#state.transaction.reversePath.kind === 'null'
    const isTooLarge = this.#sizeBytes > maxMessageBytes
    const head = Buffer.concat(this.#head)
    try {
      this.#keep(this.#state, ({ code }) =>
        isTooLarge
          ? { kind: 'broken-off', detail: `larger than ${maxMessageBytes} bytes` }
          : classifyMail({ isNullSender, head, code }),
      )
    } catch (error) {
      return this.#failed(error)
    } finally {
      this.#forget()
    }
    return isTooLarge ? reject({ kind: 'too-large', maxBytes: maxMessageBytes }) : accept
  }

  /** No mail came of the transaction: somebody only wanted to know, or was cut off. */
  #abandon(before: SessionState): void {
    const isBegun = before.phase === 'content' || before.phase === 'final'
    const returned: Returned = isBegun
      ? { kind: 'broken-off', detail: `after ${this.#sizeBytes} bytes of content` }
      : { kind: 'callback' }
    try {
      this.#keep(before, () => returned)
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#forget()
    }
  }

  #keep(state: SessionState, classify: (asked: AskedToken) => Returned): void {
    const { store, now, emit } = this.#options
    const greeting = 'greeting' in state ? state.greeting.name : ''
    const returnPath = 'transaction' in state ? reversePathText(state.transaction.reversePath) : ''
    for (const asked of this.#asked) {
      const { token, run, check, issuedAtMs } = asked
      const found = {
        atMs: now(),
        client: this.#connection.remote.address,
        greeting: greeting.slice(0, maxNameLength),
        returnPath: returnPath.slice(0, 2 * maxNameLength),
        sizeBytes: this.#sizeBytes,
        returned: classify(asked),
      }
      if (!store.add(token, found)) continue
      const afterMs = found.atMs - issuedAtMs
      emit({ kind: 'return-caught', run, check, token, found, afterMs })
    }
  }

  #forget(): void {
    this.#asked = []
    this.#content = null
    this.#head = []
    this.#headBytes = 0
    this.#sizeBytes = 0
  }

  #failed(error: unknown): Verdict {
    if (!(error instanceof CatcherError)) throw error
    this.#options.emit({ kind: 'catcher-failed', error: error.message })
    return defer({ kind: 'storage-failed' })
  }

  #flush(): void {
    if (this.#outbox === '' || this.#isClosed) return
    this.#connection.write(this.#outbox)
    this.#outbox = ''
  }

  #endConnection(): void {
    this.#connection.end()
    this.deadlineMs = this.#options.deadlines.in(lingerMs)
  }

  #onClose(): void {
    this.#isClosed = true
    this.#options.deadlines.delete(this)
    this.#guard(() => this.#abandon(this.#state))
    this.#options.onClosed(this)
  }

  /** A fault of ours: the client keeps its mail, the process lives. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#options.emit({ kind: 'catcher-failed', error: stack })
      this.#state = { phase: 'closed', standing: this.#state.standing }
      if (this.#isClosed) return
      this.#outbox += encodeReply(
        reply(421, '3.0', `${this.#options.rules.hostname} internal error`),
      )
      this.#flush()
      this.#endConnection()
    }
  }
}
