// BDAT (RFC 3030 §2): octets of content by their number. Whether they are wanted or not, they are there and
// are read: left alone, they would be taken for commands.

import type { Command } from '#smtp/command.ts'
import type { Reply } from '#smtp/reply.ts'
import { verdictReply } from '#verdict/replies.ts'
import { reject } from '#verdict/verdict.ts'
import * as replies from './replies.ts'
import type { SessionState } from './state.ts'
import { closing, mistake, unexpected, type SessionRules, type Step } from './transition.ts'

type BdatCommand = Extract<Command, { readonly verb: 'BDAT' }>

export function onBdat(rules: SessionRules, state: SessionState, command: BdatCommand): Step {
  if (!rules.isChunkingOffered) return closing(state, replies.noChunking, 'protocol-violation')
  const { sizeBytes, isLast } = command
  const totalBytes = (state.phase === 'chunks' ? state.totalBytes : 0) + sizeBytes
  if (totalBytes > maxReadBytes(rules)) {
    const tooLarge = reject({ kind: 'too-large', maxBytes: rules.maxMessageBytes })
    return closing(state, verdictReply(tooLarge, '', ''), 'protocol-violation')
  }
  if (state.phase === 'connected' || state.phase === 'greeted') {
    return skip(state, sizeBytes, replies.mailFirst)
  }
  if (state.phase === 'mail') {
    // RFC 2920 §3.1: as DATA, often pipelined behind recipients that were all refused.
    return skip(isLast ? withoutMail(state) : state, sizeBytes, replies.noValidRecipients)
  }
  if (state.phase !== 'rcpt' && state.phase !== 'chunks') return unexpected(state)
  if (state.phase === 'chunks' && state.isRefused) {
    const next = isLast ? withoutMail(state) : { ...state, totalBytes }
    return skip(next, sizeBytes, replies.refusedMail)
  }
  return onChunk(state, command, totalBytes)
}

/**
 * A mail that is too large is read to its end, as after DATA, and gets its reply; one that is so much too
 * large is not (Postfix draws the same line).
 */
function maxReadBytes(rules: SessionRules): number {
  return 1.5 * rules.maxMessageBytes
}

function onChunk(
  state: Extract<SessionState, { readonly phase: 'rcpt' | 'chunks' }>,
  { sizeBytes, isLast }: BdatCommand,
  totalBytes: number,
): Step {
  const { standing, greeting, transaction, recipients } = state
  const open = { standing, greeting, transaction, recipients }
  if (sizeBytes === 0 && !isLast) {
    // Nobody needs one, and a session could be filled with them.
    return mistake({ ...open, phase: 'chunks', totalBytes, isRefused: true }, replies.emptyChunk)
  }
  return {
    state: { ...open, phase: 'content', chunk: { isLast, totalBytes } },
    effects: [{ kind: 'receive-chunk', sizeBytes, isLast }],
  }
}

function skip(next: SessionState, count: number, message: Reply): Step {
  if (count === 0) return mistake(next, message)
  const { standing } = next
  return {
    state: { phase: 'skipping', standing, reply: message, next },
    effects: [{ kind: 'skip-octets', count }],
  }
}

function withoutMail(
  state: Extract<SessionState, { readonly phase: 'mail' | 'chunks' }>,
): SessionState {
  return { phase: 'greeted', standing: state.standing, greeting: state.greeting }
}
