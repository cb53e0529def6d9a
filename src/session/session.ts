// The server side of the SMTP dialog (RFC 5321 §3, §4) as a step function. Pure: no clock, no socket,
// no look-up. The driver in intake/ does what the effects say, in order.

import type { Command, CommandProblem } from '#smtp/command.ts'
import { reply, type Reply } from '#smtp/reply.ts'
import { withinCommandLimits } from './command-limits.ts'
import { commandTable } from './command-table.ts'
import { onContentComplete, onFinalVerdict } from './on-data.ts'
import { onSenderJudged } from './on-mail.ts'
import { onRecipientJudged } from './on-rcpt.ts'
import * as replies from './replies.ts'
import type { SessionState } from './state.ts'
import {
  answer,
  closing,
  mistake,
  type SessionEvent,
  type SessionRules,
  type Step,
  type TimedOut,
} from './transition.ts'

export { awaitsReply } from './command-table.ts'
export { lookAheadRoom, type LookAheadRoom } from './look-ahead.ts'
export { initialState, type Greeting, type SessionState, type Transaction } from './state.ts'
export type {
  CloseReason,
  Effect,
  SessionEvent,
  SessionRules,
  Step,
  TimedOut,
} from './transition.ts'

/** Advances one session by one event. */
export function step(rules: SessionRules, state: SessionState, event: SessionEvent): Step {
  return withErrorLimit(rules, state, advance(rules, state, event))
}

const timeoutReplies: Readonly<Record<TimedOut, (hostname: string) => Reply>> = {
  command: replies.timeout,
  content: replies.contentTimeout,
  session: replies.sessionTooLong,
}

function advance(rules: SessionRules, state: SessionState, event: SessionEvent): Step {
  switch (event.kind) {
    case 'opened':
      return answer(state, reply(220, null, `${rules.hostname} ESMTP Pforte`))
    case 'command':
      // A chunk worth its command is content, which has a limit of its own.
      if (isLargeChunk(event.command)) return onCommand(rules, state, event.command)
      return withinCommandLimits(rules, state, event.command.verb, (counted) =>
        onCommand(rules, counted, event.command),
      )
    case 'command-problem':
      return withinCommandLimits(rules, state, null, (counted) => onProblem(counted, event.problem))
    case 'sender-judged':
      return onSenderJudged(state, event)
    case 'recipient-judged':
      return onRecipientJudged(rules, state, event)
    case 'content-complete':
      return onContentComplete(state, event)
    case 'mail-judged':
      return onFinalVerdict(state, event)
    case 'encrypted':
      // RFC 3207 §4.2: everything learned before the handshake is forgotten.
      return {
        state: { phase: 'connected', standing: { ...state.standing, isEncrypted: true } },
        effects: [],
      }
    case 'timeout':
      return closing(state, timeoutReplies[event.of](rules.hostname), 'timeout')
    case 'draining':
      return closing(state, replies.shuttingDown(rules.hostname), 'draining')
  }
}

/** What follows these is content or another language: read on, it would be taken for commands. */
function onProblem(state: SessionState, problem: CommandProblem): Step {
  const message = replies.forProblem(problem)
  return isEnding.has(problem.kind)
    ? closing(state, message, 'protocol-violation')
    : mistake(state, message)
}

const isEnding: ReadonlySet<CommandProblem['kind']> = new Set([
  'bad-chunk',
  'not-smtp',
  'out-of-turn',
])

function isLargeChunk(command: Command): boolean {
  return command.verb === 'BDAT' && command.sizeBytes >= largeChunkBytes
}

const largeChunkBytes = 1024

function onCommand(rules: SessionRules, state: SessionState, command: Command): Step {
  const rule = commandTable[command.verb]
  if (!rule.phases.includes(state.phase)) return mistake(state, rule.outOfPlace)
  return rule.run(rules, state, command as never)
}

/**
 * The reply that was due still leaves; then the session is over (RFC 5321 §4.2.3: 421 closes). Only an error
 * ends it: where the limit falls while a mail is under way, the mail comes to its end.
 */
function withErrorLimit(rules: SessionRules, before: SessionState, next: Step): Step {
  const { state, effects } = next
  const { errorCount } = state.standing
  const isNew = errorCount > before.standing.errorCount
  if (state.phase === 'closed' || !isNew || errorCount < rules.maxErrorCount) return next
  const { state: closed, effects: farewell } = closing(
    state,
    replies.tooManyErrors(rules.hostname),
    'too-many-errors',
  )
  return { state: closed, effects: [...effects, ...farewell] }
}
