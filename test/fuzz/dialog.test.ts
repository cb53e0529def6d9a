// The dialog under any input: one reply for each command, in order, and parsers that never throw.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cleanAsciiLine, cleanLine } from '#base/text.ts'
import { examineHeader } from '#message/header-section.ts'
import {
  initialState,
  step,
  type SessionEvent,
  type SessionRules,
  type SessionState,
} from '#session/session.ts'
import { parseCommand } from '#smtp/parse-command.ts'
import { accept, reject, type Verdict } from '#verdict/verdict.ts'
import { timeBoxed, trickyBytes } from './support.ts'

const rules: SessionRules = {
  hostname: 'relay.example',
  isTlsOffered: false,
  isChunkingOffered: true,
  isPipeliningEnforced: false,
  maxMessageBytes: 1000,
  maxRecipientCount: 3,
  maxTransactionCount: 5,
  maxErrorCount: 1000,
  maxCommandCount: 2000,
  maxIdleCommandCount: 1000,
  unknownRecipientDelayAfterCount: 1000,
  unknownRecipientDelayMs: 0,
  maxUnknownRecipientCount: 1000,
}

const unknown: Verdict = reject({
  kind: 'recipient-unknown',
  server: 'mail.inst.example',
  reply: { code: 550, status: '5.1.1', lines: ['User unknown'] },
})

/** Feeds one event, answers what the effects ask for, and gives the codes of the replies. */
function feed(state: SessionState, event: SessionEvent): { state: SessionState; codes: number[] } {
  const next = step(rules, state, event)
  let current = next.state
  const codes: number[] = []
  for (const effect of next.effects) {
    const more = answerTo(effect.kind, effect.kind === 'judge-recipient' ? effect.candidate : null)
    if (effect.kind === 'reply') codes.push(effect.reply.code)
    else if (more !== null) {
      const after = feed(current, more)
      current = after.state
      codes.push(...after.codes)
    }
  }
  return { state: current, codes }
}

function answerTo(kind: string, candidate: unknown): SessionEvent | null {
  const traceId = 'T.1'
  switch (kind) {
    case 'judge-sender':
      return { kind: 'sender-judged', verdict: accept, traceId }
    case 'judge-recipient': {
      const isUnknown = JSON.stringify(candidate).includes('unknown')
      return { kind: 'recipient-judged', verdict: isUnknown ? unknown : accept, traceId }
    }
    case 'judge-mail':
      return { kind: 'mail-judged', verdict: accept, traceId, words: '' }
    default:
      return null
  }
}

const commandLine = fc.constantFrom(
  'EHLO client.example',
  'HELO client.example',
  'MAIL FROM:<a@sender.example>',
  'MAIL FROM:<> SIZE=10',
  'MAIL FROM:<a@sender.example> SIZE=5000',
  'MAIL FROM:a',
  'RCPT TO:<x@inst.example>',
  'RCPT TO:<unknown@inst.example>',
  'RCPT TO:<x',
  'DATA',
  'RSET',
  'NOOP',
  'VRFY x',
  'EXPN x',
  'HELP',
  'STARTTLS',
  'BDAT 10 LAST',
  'BDAT 10',
  'BDAT 0',
  'BDAT 0 LAST',
  'BDAT 2000',
  '',
)

test('one reply for each command, and content gets one when it ends', () => {
  fc.assert(
    fc.property(fc.array(commandLine, { maxLength: 40 }), (lines) => {
      let { state, codes } = feed(initialState, { kind: 'opened' })
      assert.deepEqual(codes, [220])
      for (const line of lines) {
        const parsed = parseCommand(line)
        const event: SessionEvent = parsed.ok
          ? { kind: 'command', command: parsed.value }
          : { kind: 'command-problem', problem: parsed.problem }
        ;({ state, codes } = feed(state, event))
        if (state.phase === 'closed') return // 421 and the end, behind the reply that was due
        if (state.phase === 'skipping' || (state.phase === 'content' && state.chunk !== null)) {
          assert.deepEqual(codes, [], 'BDAT is answered when its octets have come')
          ;({ state, codes } = feed(state, { kind: 'content-complete', isDoomed: false }))
          if (state.phase === 'closed') return
        }
        assert.equal(codes.length, 1, line)
        if (state.phase !== 'content') continue
        assert.deepEqual(codes, [354])
        ;({ state, codes } = feed(state, { kind: 'content-complete', isDoomed: false }))
        assert.deepEqual(codes, [250])
        assert.equal(state.phase, 'greeted')
      }
    }),
    timeBoxed,
  )
})

test('parsers take anything', () => {
  const verbs = ['MAIL FROM:<', 'RCPT TO:<', '"', '\\', '@', '>', ' SIZE=', 'EHLO ', 'Received: ']
  fc.assert(
    fc.property(trickyBytes(...verbs), (bytes) => {
      const parsed = parseCommand(bytes.toString('latin1'))
      assert.equal(typeof parsed.ok, 'boolean')
      const { endOffset, hopCount } = examineHeader(bytes, 'relay.example')
      assert.ok(endOffset <= bytes.length && hopCount >= 0)
    }),
    timeBoxed,
  )
})

test('cleaned text is one printable line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (dirty) => {
      // oxlint-disable-next-line no-control-regex -- what must not be left
      assert.doesNotMatch(cleanLine(dirty, 100), /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/)
      assert.match(cleanAsciiLine(dirty, 100), /^[ -~]{0,100}$/)
    }),
    timeBoxed,
  )
})
