// RSET and STARTTLS: what concerns the session rather than a mail.

import * as replies from './replies.ts'
import type { SessionState } from './state.ts'
import { answer, mistake, type SessionRules, type Step } from './transition.ts'

/** RFC 5321 §4.1.1.5: forgets the transaction, keeps the greeting. */
export function onReset(_rules: SessionRules, state: SessionState): Step {
  const { standing } = state
  const next: SessionState =
    state.phase === 'mail' || state.phase === 'rcpt'
      ? { phase: 'greeted', standing, greeting: state.greeting }
      : state
  return answer(next, replies.ok)
}

/** RFC 3207 §4. The driver closes the session when anything was pipelined behind it. */
export function onStartTls(rules: SessionRules, state: SessionState): Step {
  if (state.standing.isEncrypted) return mistake(state, replies.alreadyEncrypted)
  if (!rules.isTlsOffered) return mistake(state, replies.notImplemented)
  return {
    state: { phase: 'handshake', standing: state.standing },
    effects: [{ kind: 'reply', reply: replies.readyForTls, delayMs: 0 }, { kind: 'start-tls' }],
  }
}
