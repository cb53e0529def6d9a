// The client side of the dialog under any replies in any packets. What it believes is compared with the
// codes alone: a mail is there, or a recipient refused, only where each question has its own reply.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  initialClientState,
  step,
  type ClientEffect,
  type ClientEvent,
  type ClientState,
  type Pending,
} from '#client/client.ts'
import { ReplyDecoder, type DecodedReply } from '#smtp/reply-decoder.ts'
import { timeBoxed } from './support.ts'

const rules = { hostname: 'relay.example', tls: 'none' } as const
const facts = { reversePath: '', sizeBytes: null, isSmtpUtf8: false, is8BitMime: false } as const

/** One connection with one task. */
class Play {
  /** What was believed, and the codes heard up to it. */
  readonly outcomes: { readonly effect: ClientEffect; readonly codes: readonly number[] }[] = []
  readonly codes: number[] = []
  /** Codes in the packet that is being read. */
  packet: readonly number[] = []
  sentDot = false
  #state: ClientState = initialClientState
  #isBegun = false
  readonly #decoder = new ReplyDecoder()
  readonly #recipientCount: number
  readonly #isLarge: boolean

  /** No recipient: a question. `isLarge`: the content is not sent before `finish`. */
  constructor(recipientCount: number, isLarge: boolean) {
    this.#recipientCount = recipientCount
    this.#isLarge = isLarge
  }

  /** The content has left, if it is on its way. */
  finish(): void {
    if (this.#state.phase === 'content') this.#sendDot()
  }

  hear(text: string): void {
    this.packet = [...text.matchAll(/(?:^|\n)(\d{3})(?: |\r)/g)].map(([, code]) => Number(code))
    this.#decoder.push(Buffer.from(text))
    let decoded = this.#decoder.next()
    while (decoded !== null && this.#state.phase !== 'closed') {
      const following = this.#decoder.next()
      if (decoded.kind === 'reply') this.codes.push(decoded.reply.code)
      this.#on(
        decoded.kind === 'malformed'
          ? decoded
          : { kind: 'reply', reply: decoded.reply, pending: this.#pending(following) },
      )
      decoded = following
    }
  }

  #pending(following: DecodedReply | null): Pending {
    if (following === null) return this.#decoder.isPending ? 'something' : 'nothing'
    const isGoodbye = following.kind === 'reply' && following.reply.code === 421
    return isGoodbye && !this.#decoder.isPending ? 'closing' : 'something'
  }

  #on(event: ClientEvent): void {
    const next = step(rules, this.#state, event)
    this.#state = next.state
    for (const effect of next.effects) this.#perform(effect)
  }

  #perform(effect: ClientEffect): void {
    switch (effect.kind) {
      case 'ready':
        if (!this.#isBegun) this.#begin()
        break
      case 'send-content':
        if (!this.#isLarge) this.#sendDot()
        break
      case 'question-answered':
      case 'recipients-refused':
      case 'transfer-answered':
        this.outcomes.push({ effect, codes: [...this.codes] })
        break
      case 'failed':
        assert.ok(effect.failure.detail.length < 3000)
        break
      case 'send':
      case 'start-tls':
      case 'close':
        break
    }
  }

  #begin(): void {
    this.#isBegun = true
    if (this.#recipientCount === 0) {
      this.#on({ kind: 'ask', ask: { ...facts, task: 'question', recipients: ['x@inst.example'] } })
      return
    }
    const recipients = Array.from({ length: this.#recipientCount }, (_, n) => `x${n}@inst.example`)
    this.#on({
      kind: 'transfer',
      transfer: { ...facts, task: 'transfer', recipients, client: null },
    })
  }

  #sendDot(): void {
    this.sentDot = true
    this.#on({ kind: 'content-sent' })
  }
}

const reply = fc.constantFrom(
  '220 x\r\n',
  '250 Ok\r\n',
  '250-x\r\n250 PIPELINING\r\n',
  '250 Ok\r\n250 Ok\r\n',
  '354 Go\r\n',
  '421 Bye\r\n',
  '450 Later\r\n',
  '550 5.1.1 No\r\n',
  '554 No\r\n',
  '250 O',
  'k\r\n',
  'what?\r\n',
)
/** Mostly as it should be, so that the end is often reached; then anything. */
const opening = fc.constantFrom<readonly string[]>(
  [],
  ['220 x\r\n', '250 x\r\n'],
  ['220 x\r\n', '250-x\r\n250 PIPELINING\r\n'],
  ['220 x\r\n', '500 What\r\n', '250 x\r\n'],
  ['220 x\r\n', '250-x\r\n250 PIPELINING\r\n', '250 Ok\r\n'],
  ['220 x\r\n', '250-x\r\n250 PIPELINING\r\n', '250 Ok\r\n', '250 Ok\r\n'],
  ['220 x\r\n', '250-x\r\n250 PIPELINING\r\n', '250 Ok\r\n', '250 Ok\r\n', '354 Go\r\n'],
)
const packets = fc.array(reply, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''))
const finish = fc.constant(null)
const course = fc
  .tuple(opening, fc.array(fc.oneof({ arbitrary: packets, weight: 4 }, finish), { maxLength: 8 }))
  .map(([first, rest]) => [...first, ...rest])

test('what a next hop is believed, and what it had to say for that', () => {
  fc.assert(
    fc.property(course, fc.nat(3), fc.boolean(), (events, recipientCount, isLarge) => {
      const play = new Play(recipientCount, isLarge)
      for (const event of events) {
        const before = play.outcomes.length
        const hadSentDot = play.sentDot
        if (event === null) play.finish()
        else play.hear(event)
        const believed = play.outcomes.slice(before)
        for (const { effect, codes } of believed) {
          check(effect, codes, recipientCount, hadSentDot, play.packet)
        }
      }
      assert.ok(play.outcomes.length <= 1, 'two answers to one task')
    }),
    timeBoxed,
  )
})

const greeted = '220( 5\\d\\d)? 250'

function check(
  outcome: ClientEffect,
  heard: readonly number[],
  count: number,
  hadSentDot: boolean,
  packet: readonly number[],
): void {
  const codes = heard.join(' ')
  switch (outcome.kind) {
    case 'question-answered':
      assert.match(codes, new RegExp(`^${greeted} 2\\d\\d \\d{3} (?:2\\d\\d|421)$`))
      assert.equal(outcome.reply.code, heard.at(-2))
      break
    case 'recipients-refused':
      assert.match(codes, new RegExp(`^${greeted} 2\\d\\d(?: \\d{3}){1,${count + 1}}$`))
      assert.ok(outcome.recipients.some(({ code }) => code < 200 || code > 299))
      break
    case 'transfer-answered': {
      assert.match(codes, new RegExp(`^${greeted}(?: 2\\d\\d){${count + 1}} 354 [245]\\d\\d$`))
      assert.equal(outcome.reply.code, heard.at(-1))
      // It is the first thing of its packet, and but for a goodbye the last.
      assert.equal(packet.filter((code) => code !== 421).length <= 1, true)
      if (outcome.reply.code < 500) assert.ok(hadSentDot, 'believed before the content had ended')
      break
    }
    case 'close':
    case 'failed':
    case 'ready':
    case 'send':
    case 'send-content':
    case 'start-tls':
      assert.fail(outcome.kind)
  }
}
