// MAIL (RFC 5321 §4.1.1.2): opens a transaction once the sender has been judged.

import type { Command } from '#smtp/command.ts'
import { reversePathText } from '#smtp/path.ts'
import { verdictReply } from '#verdict/replies.ts'
import { reject } from '#verdict/verdict.ts'
import * as replies from './replies.ts'
import type { SessionState } from './state.ts'
import {
  answer,
  closing,
  mistake,
  unexpected,
  type SessionEvent,
  type SessionRules,
  type Step,
} from './transition.ts'

export function onMail(
  rules: SessionRules,
  state: SessionState,
  command: Extract<Command, { readonly verb: 'MAIL' }>,
): Step {
  const { phase } = state
  if (phase === 'mail' || phase === 'rcpt' || phase === 'chunks') {
    return mistake(state, replies.nestedMail)
  }
  if (state.phase !== 'greeted') return mistake(state, replies.sayHelloFirst)
  if (state.standing.mailCount >= rules.maxTransactionCount) {
    return closing(state, replies.tooManyMails(rules.hostname), 'too-many-mails')
  }
  const { reversePath, parameters } = command
  if (parameters.sizeBytes !== null && parameters.sizeBytes > rules.maxMessageBytes) {
    // RFC 1870 §6.1. Not a mistake of the client: it asked, and got its answer before sending.
    const tooLarge = reject({ kind: 'too-large', maxBytes: rules.maxMessageBytes })
    return answer(state, verdictReply(tooLarge, '', ''))
  }
  const transaction = { reversePath, parameters }
  return {
    state: { ...state, phase: 'judging-sender', transaction },
    effects: [{ kind: 'judge-sender', transaction }],
  }
}

export function onSenderJudged(
  state: SessionState,
  event: Extract<SessionEvent, { readonly kind: 'sender-judged' }>,
): Step {
  if (state.phase !== 'judging-sender') return unexpected(state)
  const { standing, greeting, transaction } = state
  if (event.verdict.kind !== 'accept') {
    const subject = `<${reversePathText(transaction.reversePath)}>: `
    const message = verdictReply(event.verdict, subject, event.traceId)
    return answer({ phase: 'greeted', standing, greeting }, message)
  }
  const counted = { ...standing, mailCount: standing.mailCount + 1 }
  return answer({ phase: 'mail', standing: counted, greeting, transaction }, replies.senderOk)
}
