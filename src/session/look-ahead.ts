// How many RCPTs that stand behind the one being judged may be asked for before their turn: no more than would
// come to it. A client that sends thousands in one write must not cause more questions than one that waits.

import type { SessionState } from './state.ts'
import type { SessionRules } from './transition.ts'

export interface LookAheadRoom {
  /** RCPTs, whatever becomes of each. */
  readonly recipientCount: number
  /** Of these, the ones known to be errors: with so many the session is over. */
  readonly errorCount: number
}

/** None but while a recipient is judged, which takes the first place. */
export function lookAheadRoom(rules: SessionRules, state: SessionState): LookAheadRoom {
  if (state.phase !== 'judging-recipient') return { recipientCount: 0, errorCount: 0 }
  const { commandCount, unknownRecipientCount, errorCount } = state.standing
  return {
    recipientCount: Math.min(
      rules.maxRecipientCount - state.recipients.length - 1,
      rules.maxUnknownRecipientCount - unknownRecipientCount,
      rules.maxCommandCount - commandCount,
    ),
    errorCount: rules.maxErrorCount - errorCount,
  }
}
