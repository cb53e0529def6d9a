// DATA (RFC 5321 §4.1.1.4) and the reply to the end of data.

import { reply } from '#smtp/reply.ts'
import { verdictReply } from '#verdict/replies.ts'
import * as replies from './replies.ts'
import type { SessionState } from './state.ts'
import {
  answer,
  mistake,
  unexpected,
  type SessionEvent,
  type SessionRules,
  type Step,
} from './transition.ts'

export function onData(_rules: SessionRules, state: SessionState): Step {
  // RFC 2920 §3.1: DATA is often pipelined behind recipients that were all refused.
  if (state.phase !== 'rcpt') return mistake(state, replies.noValidRecipients)
  const message = replies.startContent
  return {
    state: { ...state, phase: 'content' },
    effects: [{ kind: 'reply', reply: message, delayMs: 0 }, { kind: 'receive-content' }],
  }
}

/** Whatever the verdict, the transaction is over (RFC 5321 §4.1.1.4). */
export function onFinalVerdict(
  state: SessionState,
  event: Extract<SessionEvent, { readonly kind: 'mail-judged' }>,
): Step {
  if (state.phase !== 'final') return unexpected(state)
  const { standing, greeting } = state
  const next: SessionState = { phase: 'greeted', standing, greeting }
  if (event.verdict.kind === 'accept') {
    // As in Postfix: who sends mail has made up for it.
    const fresh = { ...standing, errorCount: 0, commandCount: 0, idleCommandCount: 0 }
    const words = event.words === '' ? '' : ` ${event.words}`
    const rewarded: SessionState = { ...next, standing: fresh }
    return answer(rewarded, reply(250, '0.0', `Ok: ${event.traceId}${words}`))
  }
  const subject = event.words === '' ? '' : `${event.words}: `
  return answer(next, verdictReply(event.verdict, subject, event.traceId))
}
