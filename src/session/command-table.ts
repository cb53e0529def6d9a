// Which verb is legal in which phase and what runs it. A verb without a row does not compile.

import type { Command, Verb } from '#smtp/command.ts'
import type { Reply } from '#smtp/reply.ts'
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
  readonly run: (
    rules: SessionRules,
    state: SessionState,
    command: Extract<Command, { readonly verb: Kind }>,
  ) => Step
}

/** The phases in which commands may arrive at all; in the others the driver holds them back. */
const anytime: readonly Phase[] = ['connected', 'greeted', 'mail', 'rcpt']

export const commandTable: { readonly [Kind in Verb]: CommandRule<Kind> } = {
  EHLO: { phases: anytime, outOfPlace: replies.outOfPlace, run: onGreeting },
  HELO: { phases: anytime, outOfPlace: replies.outOfPlace, run: onGreeting },
  MAIL: { phases: anytime, outOfPlace: replies.outOfPlace, run: onMail },
  RCPT: { phases: ['mail', 'rcpt'], outOfPlace: replies.mailFirst, run: onRcpt },
  DATA: { phases: ['mail', 'rcpt'], outOfPlace: replies.mailFirst, run: onData },
  RSET: { phases: anytime, outOfPlace: replies.outOfPlace, run: onReset },
  NOOP: {
    phases: anytime,
    outOfPlace: replies.outOfPlace,
    run: (_rules, state) => answer(state, replies.ok),
  },
  QUIT: {
    phases: anytime,
    outOfPlace: replies.outOfPlace,
    run: (rules, state) => closing(state, replies.goodbye(rules.hostname), 'quit'),
  },
  VRFY: {
    phases: anytime,
    outOfPlace: replies.outOfPlace,
    run: (_rules, state) => answer(state, replies.willNotVerify),
  },
  EXPN: {
    phases: anytime,
    outOfPlace: replies.outOfPlace,
    run: (_rules, state) => mistake(state, replies.notImplemented),
  },
  HELP: {
    phases: anytime,
    outOfPlace: replies.outOfPlace,
    run: (_rules, state) => answer(state, replies.help),
  },
  STARTTLS: { phases: ['connected', 'greeted'], outOfPlace: replies.outOfPlace, run: onStartTls },
}
