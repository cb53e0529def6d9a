// What was said on a connection, kept as evidence: every line with its time, cleaned and masked.

import { cleanLine } from '#base/text.ts'

export interface TranscriptLine {
  /** Since the connection was begun. */
  readonly atMs: number
  /** `note`: what happened that is no line of the dialog, such as a handshake. */
  readonly from: 'client' | 'server' | 'note'
  /** One printable line. */
  readonly text: string
}

/** One connection, or one that did not come about. */
export interface Transcript {
  /** From 1, in order. */
  readonly id: number
  /** Our address; null: the system chose and there was no connection. */
  readonly source: string | null
  readonly target: string
  readonly port: number
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384`, null: in clear. */
  readonly tls: string | null
  readonly lines: readonly TranscriptLine[]
}

/** Lines `from` up to but not including `to` of a transcript. */
export interface Excerpt {
  readonly transcript: number
  readonly from: number
  readonly to: number
}

/** Hostile servers talk without end; what is kept of a connection has one. */
const maxLineCount = 600
const maxLineLength = 600

/** Writes one transcript. */
export class TranscriptWriter implements Transcript {
  readonly id: number
  source: string | null
  readonly target: string
  readonly port: number
  readonly startedAtMs: number
  tls: string | null = null
  readonly lines: TranscriptLine[] = []
  readonly #elapsedMs: () => number
  readonly #mask: AddressMask

  constructor(options: {
    readonly id: number
    readonly source: string | null
    readonly target: string
    readonly port: number
    readonly startedAtMs: number
    readonly elapsedMs: () => number
    readonly mask: AddressMask
  }) {
    this.id = options.id
    this.source = options.source
    this.target = options.target
    this.port = options.port
    this.startedAtMs = options.startedAtMs
    this.#elapsedMs = options.elapsedMs
    this.#mask = options.mask
  }

  add(from: TranscriptLine['from'], text: string): void {
    if (this.lines.length >= maxLineCount) return
    const atMs = Math.round(this.#elapsedMs() * 10) / 10
    if (from === 'client') this.#mask.learn(text)
    // First masked, then cut: half an address would not be recognised.
    const masked = this.#mask.mask(text.slice(0, 4096))
    this.lines.push({ atMs, from, text: cleanLine(masked, maxLineLength) })
  }

  /** What the server said, without the addresses of people who were not nominated. */
  masked(text: string): string {
    return this.#mask.mask(text)
  }

  /** From line `from` to what was said last. */
  since(from: number): Excerpt {
    return { transcript: this.id, from, to: this.lines.length }
  }
}

const address = /[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]+(?:\.[\w-]+)+/g

/** Knows the addresses that we wrote ourselves; all others in a server's words belong to people. */
export class AddressMask {
  readonly #known = new Set<string>()

  learn(line: string): void {
    for (const [found] of line.matchAll(address)) this.#known.add(found.toLowerCase())
  }

  /** `a***@inst.example` */
  mask(line: string): string {
    return line.replace(address, (found) =>
      this.#known.has(found.toLowerCase()) ? found : maskLocal(found),
    )
  }
}

/** `a***@inst.example` */
export function maskLocal(mailbox: string): string {
  return `${mailbox.slice(0, 1)}***${mailbox.slice(mailbox.lastIndexOf('@'))}`
}
