// Which verb is legal in which phase and what runs it. A verb without a row does not compile.

import type { Command, Verb } from '#smtp/command.ts'
import type { Reply } from '#smtp/reply.ts'
import { onBdat } from './on-bdat.ts'
import { onData } from './on-data.ts'
import { onGreeting } from './on-greeting.ts'
import { onMail } from './on-mail.ts'
import { onRcpt } from './on-rcpt.ts'
import { onReset, onStartTls } from './on-session.ts'
import * as replies from './replies.ts'
import type { SessionState } from './state.ts'
import { answer, closing, mistake, type SessionRules, type Step } from './transition.ts'

export type Phase = SessionState['phase']

export interface CommandRule<Kind extends Verb> {
  readonly phases: readonly Phase[]
  /** The reply anywhere else. */
  readonly outOfPlace: Reply
  /** RFC 2920 §3.1: the client waits for the reply before it sends anything else. */
  readonly endsGroup: boolean
  readonly run: (
    rules: SessionRules,
    state: SessionState,
    command: Extract<Command, { readonly verb: Kind }>,
  ) => Step
}

/** The phases in which commands may arrive at all; in the others the driver holds them back. */
const anytime: readonly Phase[] = ['connected', 'greeted', 'mail', 'rcpt', 'chunks']
const inTransaction: readonly Phase[] = ['mail', 'rcpt', 'chunks']

export const commandTable: { readonly [Kind in Verb]: CommandRule<Kind> } = {
  EHLO: { phases: anytime, outOfPlace: replies.outOfPlace, endsGroup: true, run: onGreeting },
  HELO: { phases: anytime, outOfPlace: replies.outOfPlace, endsGroup: true, run: onGreeting },
  MAIL: { phases: anytime, outOfPlace: replies.outOfPlace, endsGroup: false, run: onMail },
  RCPT: { phases: inTransaction, outOfPlace: replies.mailFirst, endsGroup: false, run: onRcpt },
  DATA: { phases: inTransaction, outOfPlace: replies.mailFirst, endsGroup: true, run: onData },
  BDAT: { phases: anytime, outOfPlace: replies.outOfPlace, endsGroup: false, run: onBdat },
  RSET: { phases: anytime, outOfPlace: replies.outOfPlace, endsGroup: false, run: onReset },
  NOOP: {
    phases: anytime,
    outOfPlace: replies.outOfPlace,
    endsGroup: true,
    run: (_rules, state) => answer(state, replies.ok),
  },
  QUIT: {
    phases: anytime,
    outOfPlace: replies.outOfPlace,
    endsGroup: false,
    run: (rules, state) => closing(state, replies.goodbye(rules.hostname), 'quit'),
  },
  VRFY: {
    phases: anytime,
    outOfPlace: replies.outOfPlace,
    endsGroup: true,
    run: (_rules, state) => answer(state, replies.willNotVerify),
  },
  EXPN: {
    phases: anytime,
    outOfPlace: replies.outOfPlace,
    endsGroup: true,
    run: (_rules, state) => mistake(state, replies.notImplemented),
  },
  HELP: {
    phases: anytime,
    outOfPlace: replies.outOfPlace,
    endsGroup: false,
    run: (_rules, state) => answer(state, replies.help),
  },
  // What comes behind STARTTLS ends the session in any case; behind QUIT nobody listens.
  STARTTLS: {
    phases: ['connected', 'greeted'],
    outOfPlace: replies.outOfPlace,
    endsGroup: false,
    run: onStartTls,
  },
}

/** Does the client have to wait for the reply to this command (RFC 2920)? After HELO, for each. */
export function awaitsReply(state: SessionState, verb: Verb): boolean {
  const hasPipelining = !('greeting' in state) || state.greeting.isExtended
  return commandTable[verb].endsGroup || (!hasPipelining && verb !== 'QUIT')
}
