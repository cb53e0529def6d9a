// One connection to the examined server, and everything said on it. Never rejects: whatever the server
// does, or fails to do, is something that was said.

import { cleanLine } from '#base/text.ts'
import type { ProbeStream, ProbeTlsFacts, ProbeTlsOptions } from '#net/probe-stream.ts'
import { parseExtensions, noExtensions, type Extensions } from '#smtp/extensions.ts'
import { ReplyDecoder } from '#smtp/reply-decoder.ts'
import { replyText, type PeerReply } from '#smtp/reply.ts'
import type { Excerpt, TranscriptWriter } from '#compliance/transcript.ts'

/** What came back. `ms` is the time since the command had left. */
export type Said =
  | {
      readonly kind: 'reply'
      readonly reply: PeerReply
      readonly ms: number
      readonly seen: Excerpt
    }
  | {
      readonly kind: 'silence'
      readonly cause: 'timeout' | 'closed' | 'malformed' | 'aborted'
      /** Cleaned. */
      readonly detail: string
      readonly ms: number
      readonly seen: Excerpt
    }

export type Secured =
  | { readonly kind: 'secured'; readonly facts: ProbeTlsFacts; readonly seen: Excerpt }
  | { readonly kind: 'failed'; readonly detail: string; readonly seen: Excerpt }

export interface SessionOptions {
  readonly stream: ProbeStream
  readonly transcript: TranscriptWriter
  /** Of each reply. */
  readonly replyTimeoutMs: number
  readonly monotonicMs: () => number
  readonly signal: AbortSignal
  readonly onClosed: () => void
}

export class ProbeSession {
  readonly transcript: TranscriptWriter
  /** Of the last EHLO. */
  extensions: Extensions = noExtensions
  readonly #options: SessionOptions
  #stream: ProbeStream
  #decoder = new ReplyDecoder()
  #isClosed = false
  #error: Error | null = null
  #wake: (() => void) | null = null
  #unreadBytes = 0

  constructor(options: SessionOptions) {
    this.#options = options
    this.#stream = options.stream
    this.transcript = options.transcript
    this.#stream.attach({
      onData: (chunk) => {
        this.#unreadBytes += chunk.length
        // Nobody asked for that much; a server that does not stop talking is left.
        if (this.#unreadBytes > maxUnreadBytes) return this.destroy()
        this.#decoder.push(chunk)
        this.#wake?.()
      },
      onClose: (error) => {
        this.#error = error
        this.#markClosed()
      },
    })
  }

  get isOpen(): boolean {
    return !this.#isClosed
  }

  /** True when the server has said something that nobody has read. */
  get hasUnread(): boolean {
    return this.#decoder.isPending
  }

  /** The next reply, without asking: the banner, or an answer to something sent before. */
  async read(timeoutMs: number = this.#options.replyTimeoutMs): Promise<Said> {
    return await this.#reply(this.transcript.lines.length, this.#now(), timeoutMs)
  }

  /** Sends one command, without CR LF, and waits for its reply. */
  async say(line: string, timeoutMs: number = this.#options.replyTimeoutMs): Promise<Said> {
    const from = this.transcript.lines.length
    await this.send(line)
    return await this.#reply(from, this.#now(), timeoutMs)
  }

  /** All commands in one write, then all replies (RFC 2920). */
  async sayTogether(lines: readonly string[]): Promise<readonly Said[]> {
    const from = this.transcript.lines.length
    for (const line of lines) this.transcript.add('client', line)
    await this.#stream.write(lines.map((line) => `${line}\r\n`).join(''))
    const startMs = this.#now()
    const replies: Said[] = []
    while (replies.length < lines.length) {
      const said = await this.#reply(from, startMs, this.#options.replyTimeoutMs)
      replies.push(said)
      if (said.kind === 'silence') break
    }
    return replies
  }

  /** Writes one line and waits for nothing. */
  async send(line: string): Promise<void> {
    this.transcript.add('client', line)
    await this.#stream.write(`${line}\r\n`)
  }

  /** Writes bytes as they are; `note` stands for them in the transcript, null: nothing does. */
  async sendRaw(bytes: Buffer, note: string | null): Promise<void> {
    if (note !== null) this.transcript.add('note', note)
    await this.#stream.write(bytes)
  }

  /** EHLO; on 250 `extensions` are those of the reply. */
  async hello(name: string, verb: 'EHLO' | 'HELO' = 'EHLO'): Promise<Said> {
    const said = await this.say(`${verb} ${name}`)
    if (said.kind === 'reply' && said.reply.code === 250) {
      this.extensions = verb === 'EHLO' ? parseExtensions(said.reply.lines) : noExtensions
    }
    return said
  }

  /** The handshake; the 220 to STARTTLS has been read. What was offered in clear is forgotten. */
  async secure(options: ProbeTlsOptions): Promise<Secured> {
    const from = this.transcript.lines.length
    try {
      const facts = await this.#stream.startTls(options)
      this.#decoder = new ReplyDecoder()
      this.extensions = noExtensions
      this.transcript.tls = `${facts.protocol} ${facts.cipher}`
      this.transcript.add('note', `TLS: ${this.transcript.tls}`)
      return { kind: 'secured', facts, seen: this.transcript.since(from) }
    } catch (error) {
      const detail = errorText(error)
      this.transcript.add('note', `TLS handshake failed: ${detail}`)
      this.destroy()
      return { kind: 'failed', detail, seen: this.transcript.since(from) }
    }
  }

  /** Says QUIT, waits for the reply a short time, and is closed. */
  async quit(): Promise<void> {
    if (this.isOpen && !this.#options.signal.aborted) await this.say('QUIT', quitTimeoutMs)
    this.destroy()
  }

  destroy(): void {
    this.#stream.destroy()
    this.#markClosed()
  }

  #markClosed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#wake?.()
    this.#options.onClosed()
  }

  async #reply(from: number, startMs: number, timeoutMs: number): Promise<Said> {
    const giveUpMs = startMs + timeoutMs
    for (;;) {
      const decoded = this.#decoder.next()
      if (decoded !== null) this.#unreadBytes = 0
      if (decoded?.kind === 'reply') {
        const ms = this.#now() - startMs
        // Before anybody cuts or repeats them: half an address would not be recognised.
        const lines = decoded.reply.lines.map((line) => this.transcript.masked(line))
        const reply = { ...decoded.reply, lines }
        for (const line of linesOf(reply)) this.transcript.add('server', line)
        return { kind: 'reply', reply, ms, seen: this.transcript.since(from) }
      }
      if (decoded?.kind === 'malformed')
        return this.#silence('malformed', decoded.detail, from, startMs)
      if (this.#options.signal.aborted) return this.#silence('aborted', 'stopped', from, startMs)
      if (this.#isClosed) {
        const how =
          this.#error === null ? 'the server closed the connection' : errorText(this.#error)
        return this.#silence('closed', how, from, startMs)
      }
      const leftMs = giveUpMs - this.#now()
      if (leftMs <= 0) {
        return this.#silence(
          'timeout',
          `no reply within ${Math.round(timeoutMs / 1000)} s`,
          from,
          startMs,
        )
      }
      await this.#wait(leftMs)
    }
  }

  #silence(
    cause: Extract<Said, { kind: 'silence' }>['cause'],
    detail: string,
    from: number,
    startMs: number,
  ): Said {
    const ms = this.#now() - startMs
    this.transcript.add('note', detail)
    // After a reply that is missing or unreadable nobody knows which answer belongs to which question.
    this.destroy()
    const seen = this.transcript.since(from)
    return {
      kind: 'silence',
      cause,
      detail: cleanLine(this.transcript.masked(detail), 200),
      ms,
      seen,
    }
  }

  /** Until something arrives, the connection ends, the time is up, or the run is stopped. */
  #wait(ms: number): Promise<void> {
    const { signal } = this.#options
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#wake = null
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done, { once: true })
      this.#wake = done
    })
  }

  #now(): number {
    return this.#options.monotonicMs()
  }
}

const quitTimeoutMs = 1000
/** Far more than a reply has. */
const maxUnreadBytes = 1_048_576

/** As on the wire, but with the status cut off where the decoder found one: put it back. */
function linesOf({ code, status, lines }: PeerReply): readonly string[] {
  const last = lines.length - 1
  return lines.map(
    (line, index) =>
      `${code}${index === last ? ' ' : '-'}${status === null ? '' : `${status} `}${line}`,
  )
}

/** `ECONNREFUSED: connect ECONNREFUSED …` in one cleaned line. */
export function errorText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return cleanLine(message, 200)
}

/** The reply's code; null when there was no reply. */
export function codeOf(said: Said | null): number | null {
  return said?.kind === 'reply' ? said.reply.code : null
}

/** `550 5.1.1 User unknown`, or what happened instead. Cleaned, one line. */
export function saidText(said: Said): string {
  return said.kind === 'reply' ? cleanLine(replyText(said.reply), 200) : said.detail
}
