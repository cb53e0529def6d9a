// The server side of the dialog without sockets: decoder, parser, state machine and content decoder put
// together as intake does it, with judgements from a script. For transcripts and properties.

import { judgeContent } from '#policy/policy.ts'
import { examineHeader } from '#message/header-section.ts'
import {
  initialState,
  step,
  type Effect,
  type SessionEvent,
  type SessionRules,
  type SessionState,
} from '#session/session.ts'
import { ChunkDecoder } from '#smtp/chunk-decoder.ts'
import { ContentDecoder, type WireDecoder } from '#smtp/content-decoder.ts'
import { LineDecoder } from '#smtp/line-decoder.ts'
import { NormalizingDecoder } from '#smtp/normalizing-decoder.ts'
import { parseLine } from '#smtp/parse-command.ts'
import { forwardPathText, type ForwardPath } from '#smtp/path.ts'
import { encodeReply, isPositive, isTransient, replyText } from '#smtp/reply.ts'
import { accept, defer, reject, type Verdict } from '#verdict/verdict.ts'
import { peerReply } from './scripted-next-hops.ts'

export const testRules: SessionRules = {
  hostname: 'mailrelay1.example.org',
  isTlsOffered: false,
  isChunkingOffered: true,
  isPipeliningEnforced: false,
  maxMessageBytes: 65_536,
  maxRecipientCount: 100,
  maxTransactionCount: 1000,
  maxErrorCount: 20,
  maxCommandCount: 2000,
  maxIdleCommandCount: 100,
  unknownRecipientDelayAfterCount: 5,
  unknownRecipientDelayMs: 10,
  maxUnknownRecipientCount: 20,
}

/** What the institute's server would say. */
export interface MemoryScript {
  /** A-labels; recipients elsewhere are not served. */
  readonly servedDomains: readonly string[]
  /** By recipient: its server's refusal, e.g. `550 5.1.1 User unknown`; a 4yz defers. */
  readonly refusals: ReadonlyMap<string, string>
  /** Its answer to the content. */
  readonly final: string
  /** The relay's setting; absent: bare newlines are refused. */
  readonly isNormalizing?: boolean
}

export const friendlyScript: MemoryScript = {
  servedDomains: ['inst.example', 'xn--mnchen-3ya.example'],
  refusals: new Map(),
  final: '250 2.0.0 Ok',
}

export interface MemoryMail {
  readonly recipients: readonly string[]
  /** In wire form, with the end mark. */
  readonly content: Buffer
}

const server = 'mail.inst.example'
const traceId = 'TRACE'
const maxHopCount = 50
const maxHeaderBytes = 256 * 1024

export class MemorySession {
  /** Everything said so far, as on the wire. */
  output: string = ''
  /** In the order in which they were said; a reply is one text of one or more lines. */
  readonly replies: string[] = []
  readonly relayed: MemoryMail[] = []
  /** Commands and broken lines taken from the input. */
  commandCount = 0
  readonly #rules: SessionRules
  readonly #script: MemoryScript
  #state: SessionState = initialState
  #lines: LineDecoder = new LineDecoder()
  #decoder: WireDecoder = new ContentDecoder()
  #chunks: ChunkDecoder | null = null
  #unwantedBytes = 0
  #content: Buffer[] = []
  #recipients: readonly ForwardPath[] = []

  constructor(rules: SessionRules = testRules, script: MemoryScript = friendlyScript) {
    this.#rules = rules
    this.#script = script
    this.#feed({ kind: 'opened' })
  }

  get isClosed(): boolean {
    return this.#state.phase === 'closed'
  }

  get phase(): SessionState['phase'] {
    return this.#state.phase
  }

  push(bytes: Buffer): void {
    if (this.#takesContent) this.#onContent(bytes)
    else this.#lines.push(bytes)
    while (!this.isClosed) {
      if (this.#takesContent) {
        if (this.#lines.pendingBytes === 0) return
        this.#onContent(this.#lines.rest())
      } else if (!this.#takeLine()) return
    }
  }

  get #takesContent(): boolean {
    return this.#state.phase === 'content' || this.#state.phase === 'skipping'
  }

  #takeLine(): boolean {
    const line = this.#lines.next()
    if (line === null) return false
    this.commandCount += 1
    const parsed = parseLine(line)
    if (parsed.ok) this.#feed({ kind: 'command', command: parsed.value })
    else this.#feed({ kind: 'command-problem', problem: parsed.problem })
    return true
  }

  #onContent(bytes: Buffer): void {
    const isWanted = this.#state.phase === 'content'
    const rest = isWanted ? this.#keep(bytes) : this.#skip(bytes)
    if (rest === null) return
    if (rest.length > 0) this.#lines.push(rest)
    this.#feed({ kind: 'content-complete', isDoomed: isWanted && this.#isDoomed })
  }

  #keep(bytes: Buffer): Buffer | null {
    const { content, rest } = this.#decoder.push(bytes)
    this.#content.push(content)
    return rest
  }

  #skip(bytes: Buffer): Buffer | null {
    const count = Math.min(this.#unwantedBytes, bytes.length)
    this.#unwantedBytes -= count
    return this.#unwantedBytes > 0 ? null : bytes.subarray(count)
  }

  get #isDoomed(): boolean {
    return this.#decoder.hasBareNewline || this.#sizeBytes > this.#rules.maxMessageBytes
  }

  get #sizeBytes(): number {
    const wireBytes = this.#content.reduce((sum, { length }) => sum + length, 0)
    return wireBytes - this.#decoder.stuffedDotCount - 3
  }

  #feed(event: SessionEvent): void {
    const next = step(this.#rules, this.#state, event)
    this.#state = next.state
    if (this.#state.phase === 'greeted' || this.#state.phase === 'final') this.#chunks = null
    for (const effect of next.effects) this.#perform(effect)
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'reply':
        this.#say(encodeReply(effect.reply))
        break
      case 'judge-sender':
        this.#feed({ kind: 'sender-judged', verdict: accept, traceId })
        break
      case 'judge-recipient': {
        const verdict = judgeRecipient(this.#script, effect.candidate)
        this.#feed({ kind: 'recipient-judged', verdict, traceId })
        break
      }
      case 'receive-content':
        this.#receive(this.#isNormalizing ? new NormalizingDecoder() : new ContentDecoder())
        break
      case 'receive-chunk':
        if (this.#chunks === null) {
          this.#chunks = new ChunkDecoder(this.#isNormalizing)
          this.#receive(this.#chunks)
        }
        this.#chunks.announce(effect.sizeBytes, effect.isLast)
        if (effect.sizeBytes === 0) this.#onContent(Buffer.alloc(0))
        break
      case 'skip-octets':
        this.#unwantedBytes = effect.count
        break
      case 'judge-mail':
        this.#feed({ kind: 'mail-judged', traceId, ...this.#judgeMail() })
        break
      case 'start-tls':
        this.#startTls(effect)
        break
      case 'close':
        break
    }
  }

  get #isNormalizing(): boolean {
    return this.#script.isNormalizing ?? false
  }

  #receive(decoder: WireDecoder): void {
    this.#decoder = decoder
    this.#content = []
    this.#recipients = this.#state.phase === 'content' ? this.#state.recipients : []
  }

  #say(text: string): void {
    this.output += text
    this.replies.push(text)
  }

  #startTls(effect: Extract<Effect, { readonly kind: 'start-tls' }>): void {
    if (this.#lines.pendingBytes > 0) {
      this.#say(encodeReply(effect.refused))
      this.#state = { phase: 'closed', standing: this.#state.standing }
      return
    }
    this.#say(encodeReply(effect.ready))
    this.#lines = new LineDecoder()
    this.#feed({ kind: 'encrypted' })
  }

  #judgeMail(): { readonly verdict: Verdict; readonly words: string } {
    const content = Buffer.concat(this.#content)
    const sizeBytes = this.#sizeBytes
    const objection = judgeContent({
      sizeBytes,
      isTooLarge: sizeBytes > this.#rules.maxMessageBytes,
      maxMessageBytes: this.#rules.maxMessageBytes,
      hasBareNewline: this.#decoder.hasBareNewline,
      hopCount: examineHeader(content, this.#rules.hostname).hopCount,
      maxHopCount,
      maxHeaderBytes,
    })
    if (objection !== null) return { verdict: objection, words: '' }
    if (!this.#decoder.isComplete) throw new Error('a part of a mail would be handed over')
    const reply = peerReply(this.#script.final)
    // Every recipient of the script is known to be good, so a relay takes over what is deferred.
    if (isTransient(reply)) return { verdict: accept, words: 'taken over for later delivery' }
    if (!isPositive(reply)) {
      return { verdict: reject({ kind: 'next-hop-rejected', server, reply }), words: '' }
    }
    this.relayed.push({ recipients: this.#recipients.map(forwardPathText), content })
    return { verdict: accept, words: `${server} says: ${replyText(reply)}` }
  }
}

function judgeRecipient(script: MemoryScript, path: ForwardPath): Verdict {
  if (path.kind === 'mailbox' && !script.servedDomains.includes(path.mailbox.domain)) {
    return reject({ kind: 'not-served', domain: path.mailbox.domain })
  }
  const text = script.refusals.get(forwardPathText(path))
  if (text === undefined) return accept
  const reply = peerReply(text)
  return isTransient(reply)
    ? defer({ kind: 'next-hop-deferred', server, reply })
    : reject({ kind: 'recipient-unknown', server, reply })
}
