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
  if (state.phase === 'chunks') return mistake(state, replies.notBetweenChunks) // RFC 3030 §3
  // RFC 2920 §3.1: DATA is often pipelined behind recipients that were all refused.
  if (state.phase !== 'rcpt') return mistake(state, replies.noValidRecipients)
  const message = replies.startContent
  return {
    state: { ...state, phase: 'content', chunk: null },
    effects: [{ kind: 'reply', reply: message, delayMs: 0 }, { kind: 'receive-content' }],
  }
}

/** The content has come to its end, or one of its chunks has. */
export function onContentComplete(
  state: SessionState,
  event: Extract<SessionEvent, { readonly kind: 'content-complete' }>,
): Step {
  if (state.phase === 'skipping') return mistake(state.next, state.reply)
  if (state.phase !== 'content') return unexpected(state)
  const { chunk, ...transaction } = state
  if (chunk === null || chunk.isLast || event.isDoomed) {
    return { state: { ...state, phase: 'final' }, effects: [{ kind: 'judge-mail' }] }
  }
  const { totalBytes } = chunk
  return answer({ ...transaction, phase: 'chunks', totalBytes, isRefused: false }, replies.chunkOk)
}

/**
 * Whatever the verdict, the transaction is over (RFC 5321 §4.1.1.4); but chunks that the client has sent
 * ahead are still its content.
 */
export function onFinalVerdict(
  state: SessionState,
  event: Extract<SessionEvent, { readonly kind: 'mail-judged' }>,
): Step {
  if (state.phase !== 'final') return unexpected(state)
  const { chunk, ...transaction } = state
  const { standing, greeting } = state
  const next: SessionState =
    chunk === null || chunk.isLast
      ? { phase: 'greeted', standing, greeting }
      : { ...transaction, phase: 'chunks', totalBytes: chunk.totalBytes, isRefused: true }
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
