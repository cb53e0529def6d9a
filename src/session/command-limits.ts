// How many commands a session may take between two mails. Whoever sends mail starts anew with each one.

import type { Verb } from '#smtp/command.ts'
import * as replies from './replies.ts'
import type { SessionState } from './state.ts'
import { closing, type SessionRules, type Step } from './transition.ts'

/** Verbs that bring no mail nearer; EHLO and HELO only when repeated. Postfix calls them junk commands. */
const idleVerbs: ReadonlySet<Verb> = new Set([
  'EHLO',
  'HELO',
  'RSET',
  'NOOP',
  'VRFY',
  'EXPN',
  'HELP',
])

/** `verb`: null for a line that is no command. QUIT always gets its reply. */
export function withinCommandLimits(
  rules: SessionRules,
  state: SessionState,
  verb: Verb | null,
  run: (counted: SessionState) => Step,
): Step {
  const { standing } = state
  // The first greeting, and the one after STARTTLS, are due.
  const isDue = state.phase === 'connected' && (verb === 'EHLO' || verb === 'HELO')
  const isIdle = verb !== null && idleVerbs.has(verb) && !isDue
  const counted = {
    ...state,
    standing: {
      ...standing,
      commandCount: standing.commandCount + 1,
      idleCommandCount: standing.idleCommandCount + (isIdle ? 1 : 0),
    },
  }
  const { commandCount, idleCommandCount } = counted.standing
  const isTooMany =
    commandCount > rules.maxCommandCount || (isIdle && idleCommandCount > rules.maxIdleCommandCount)
  if (!isTooMany || verb === 'QUIT') return run(counted)
  return closing(counted, replies.tooManyCommands(rules.hostname), 'too-many-commands')
}
