// Whether a task failed because of the connection it got, so that another one is worth trying.

import type { Dialog, DialogOutcome } from './dialog.ts'

/**
 * A reused connection that the server closed while it was idle: nothing was sent that could have had an
 * effect, so the task is tried again. A fresh connection is never stale, so this ends.
 */
export function wasStale(dialog: Dialog, outcome: DialogOutcome): boolean {
  if (outcome.kind !== 'failed' || dialog.useCount <= 1) return false
  const { kind, stage, reply } = outcome.cause
  const isFirst = stage === 'mail' || stage === 'xclient'
  return isFirst && (kind === 'io' || (kind === 'refused' && reply?.code === 421))
}

/**
 * A server that ends a connection after so many questions does so in the midst of one: Exim answers the
 * eleventh RSET with 554 (`smtp_accept_max_nonmail`) and resets. A question changes nothing, so it is asked
 * again; what happens on a fresh connection is believed.
 */
export function wasUsedUp(dialog: Dialog, outcome: DialogOutcome): boolean {
  if (outcome.kind !== 'failed' || dialog.useCount <= 1) return false
  const { kind, stage } = outcome.cause
  // At `data` stands the RSET of a question.
  return (stage === 'rcpt' || stage === 'data') && (kind === 'malformed' || kind === 'io')
}

/** A connection that broke so early may have broken for any reason. */
const fewUses = 4

/** And whether the server is likely to do so at the same number again. */
export function teachesNumber(dialog: Dialog, outcome: DialogOutcome): boolean {
  if (outcome.kind !== 'failed') return false
  return outcome.cause.kind === 'malformed' || dialog.useCount > fewUses
}
