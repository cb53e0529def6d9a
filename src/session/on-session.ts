// RSET and STARTTLS: what concerns the session rather than a mail.

import * as replies from './replies.ts'
import type { SessionState } from './state.ts'
import { answer, mistake, type SessionRules, type Step } from './transition.ts'

/** RFC 5321 §4.1.1.5: forgets the transaction, keeps the greeting. */
export function onReset(_rules: SessionRules, state: SessionState): Step {
  const { standing } = state
  const next: SessionState =
    state.phase === 'mail' || state.phase === 'rcpt' || state.phase === 'chunks'
      ? { phase: 'greeted', standing, greeting: state.greeting }
      : state
  return answer(next, replies.ok)
}

/**
 * RFC 3207 §4. What is pipelined behind STARTTLS would be taken for encrypted later, so the driver, which
 * alone sees the input, answers `refused` and closes then.
 */
export function onStartTls(rules: SessionRules, state: SessionState): Step {
  if (state.standing.isEncrypted) return mistake(state, replies.alreadyEncrypted)
  if (!rules.isTlsOffered) return mistake(state, replies.notImplemented)
  return {
    state: { phase: 'handshake', standing: state.standing },
    effects: [
      { kind: 'start-tls', ready: replies.readyForTls, refused: replies.pipelinedStartTls },
    ],
  }
}
