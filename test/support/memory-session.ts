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
import { ContentDecoder } from '#smtp/content-decoder.ts'
import { LineDecoder } from '#smtp/line-decoder.ts'
import { parseCommand } from '#smtp/parse-command.ts'
import { forwardPathText, type ForwardPath } from '#smtp/path.ts'
import { encodeReply, isPositive, isTransient, replyText } from '#smtp/reply.ts'
import { accept, defer, reject, type Verdict } from '#verdict/verdict.ts'
import { peerReply } from './scripted-next-hops.ts'

export const testRules: SessionRules = {
  hostname: 'mailrelay1.example.org',
  isTlsOffered: false,
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
  #decoder: ContentDecoder = new ContentDecoder()
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
    if (this.#state.phase === 'content') this.#onContent(bytes)
    else this.#lines.push(bytes)
    while (!this.isClosed) {
      if (this.#state.phase === 'content') {
        if (this.#lines.pendingBytes === 0) return
        this.#onContent(this.#lines.rest())
      } else if (!this.#takeLine()) return
    }
  }

  #takeLine(): boolean {
    const line = this.#lines.next()
    if (line === null) return false
    this.commandCount += 1
    const parsed = line.kind === 'line' ? parseCommand(line.text) : null
    if (line.kind === 'problem') this.#feed({ kind: 'command-problem', problem: line.problem })
    else if (parsed?.ok === true) this.#feed({ kind: 'command', command: parsed.value })
    else if (parsed !== null) this.#feed({ kind: 'command-problem', problem: parsed.problem })
    return true
  }

  #onContent(bytes: Buffer): void {
    const { content, rest } = this.#decoder.push(bytes)
    this.#content.push(content)
    if (rest === null) return
    if (rest.length > 0) this.#lines.push(rest)
    this.#feed({ kind: 'content-complete' })
  }

  #feed(event: SessionEvent): void {
    const next = step(this.#rules, this.#state, event)
    this.#state = next.state
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
        this.#decoder = new ContentDecoder()
        this.#content = []
        this.#recipients = this.#state.phase === 'content' ? this.#state.recipients : []
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
    const sizeBytes = content.length - this.#decoder.stuffedDotCount - 3
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
