// RCPT (RFC 5321 §4.1.1.3): a recipient is taken only when the institute's server takes it.

import type { Command } from '#smtp/command.ts'
import { forwardPathText, isAscii, type ForwardPath } from '#smtp/path.ts'
import { verdictReply } from '#verdict/replies.ts'
import { defer, type Deferral, type Rejection } from '#verdict/verdict.ts'
import * as replies from './replies.ts'
import type { SessionState, Standing } from './state.ts'
import {
  answer,
  closing,
  mistake,
  unexpected,
  type SessionEvent,
  type SessionRules,
  type Step,
} from './transition.ts'

type RcptCommand = Extract<Command, { readonly verb: 'RCPT' }>
type Judging = Extract<SessionState, { readonly phase: 'judging-recipient' }>

export function onRcpt(rules: SessionRules, state: SessionState, command: RcptCommand): Step {
  if (state.phase === 'chunks') return mistake(state, replies.notBetweenChunks)
  if (state.phase !== 'mail' && state.phase !== 'rcpt') return unexpected(state)
  // RFC 6531 §3.2. A domain is an A-label by now, so only the local part can show it.
  const { transaction, standing, greeting } = state
  if (!transaction.parameters.isSmtpUtf8 && !isAscii(forwardPathText(command.forwardPath))) {
    return mistake(state, replies.needsSmtpUtf8)
  }
  const recipients = state.phase === 'rcpt' ? state.recipients : []
  if (recipients.length >= rules.maxRecipientCount) {
    // RFC 5321 §4.5.3.1.10: 452, so that the client sends the rest in another transaction.
    return refuse(
      state,
      command.forwardPath,
      defer({ kind: 'too-many-recipients', maxCount: rules.maxRecipientCount }),
      '',
      0,
    )
  }
  const candidate = command.forwardPath
  return {
    state: {
      phase: 'judging-recipient',
      standing,
      greeting,
      transaction,
      recipients,
      candidate,
    },
    effects: [{ kind: 'judge-recipient', candidate }],
  }
}

export function onRecipientJudged(
  rules: SessionRules,
  state: SessionState,
  event: Extract<SessionEvent, { readonly kind: 'recipient-judged' }>,
): Step {
  if (state.phase !== 'judging-recipient') return unexpected(state)
  const { verdict, traceId } = event
  if (verdict.kind === 'accept') return answer(taken(state), replies.recipientOk)
  const before = restored(state, state.standing)
  const reason = verdict.kind === 'reject' ? verdict.reason.kind : null
  if (verdict.kind !== 'reject' || reason !== 'recipient-unknown') {
    // Who looks for an open relay is not to look for long.
    const told = isLookingForRelay(reason) ? withError(before) : before
    return refuse(told, state.candidate, verdict, traceId, 0)
  }
  return refuseUnknown(rules, state, verdict, traceId)
}

function isLookingForRelay(reason: Rejection['reason']['kind'] | null): boolean {
  return reason === 'not-served' || reason === 'routed-recipient'
}

/** Guessing addresses becomes slow, then ends (the relay is no oracle). */
function refuseUnknown(
  rules: SessionRules,
  state: Judging,
  verdict: Rejection,
  traceId: string,
): Step {
  const count = state.standing.unknownRecipientCount + 1
  const standing = { ...state.standing, unknownRecipientCount: count }
  const before = restored(state, standing)
  if (count > rules.maxUnknownRecipientCount) {
    const farewell = defer({ kind: 'too-many-unknown-recipients' })
    return closing(before, verdictReply(farewell, '', traceId), 'too-many-unknown-recipients')
  }
  const isLate = count > rules.unknownRecipientDelayAfterCount
  return refuse(
    before,
    state.candidate,
    verdict,
    traceId,
    isLate ? rules.unknownRecipientDelayMs : 0,
  )
}

function taken(state: Judging): SessionState {
  const [first, ...more] = [...state.recipients, state.candidate]
  return {
    phase: 'rcpt',
    standing: state.standing,
    greeting: state.greeting,
    transaction: state.transaction,
    recipients: first === undefined ? [state.candidate] : [first, ...more],
  }
}

/** As it was before this RCPT, with the standing of now. */
function restored(state: Judging, standing: Standing): SessionState {
  const { greeting, transaction } = state
  const [first, ...more] = state.recipients
  return first === undefined
    ? { phase: 'mail', standing, greeting, transaction }
    : { phase: 'rcpt', standing, greeting, transaction, recipients: [first, ...more] }
}

function withError(state: SessionState): SessionState {
  const { standing } = state
  return { ...state, standing: { ...standing, errorCount: standing.errorCount + 1 } }
}

function refuse(
  state: SessionState,
  candidate: ForwardPath,
  verdict: Deferral | Rejection,
  traceId: string,
  delayMs: number,
): Step {
  const message = verdictReply(verdict, `<${forwardPathText(candidate)}>: `, traceId)
  return { state, effects: [{ kind: 'reply', reply: message, delayMs }] }
}
