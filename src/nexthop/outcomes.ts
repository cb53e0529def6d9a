// What the outcome of a dialog means for whoever gave it the task.

import type { DialogOutcome } from './dialog.ts'
import type { NoAnswer } from './nexthop.ts'

export function failed(cause: NoAnswer): DialogOutcome {
  return { kind: 'failed', cause, isContentSent: false }
}

export function causeOf(outcome: DialogOutcome): NoAnswer {
  return outcome.kind === 'failed'
    ? outcome.cause
    : { kind: 'malformed', stage: 'mail', detail: 'an answer to another question', reply: null }
}
