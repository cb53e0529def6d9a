// EHLO and HELO (RFC 5321 §4.1.1.1): greet, offer extensions, and forget any open transaction (§4.1.4).

import type { Command } from '#smtp/command.ts'
import { reply, type Reply } from '#smtp/reply.ts'
import type { SessionState } from './state.ts'
import { answer, type SessionRules, type Step } from './transition.ts'

export function onGreeting(
  rules: SessionRules,
  state: SessionState,
  command: Extract<Command, { readonly verb: 'EHLO' | 'HELO' }>,
): Step {
  const isExtended = command.verb === 'EHLO'
  const { standing } = state
  const message = isExtended
    ? extensionsReply(rules, standing.isEncrypted)
    : reply(250, null, rules.hostname)
  return answer(
    { phase: 'greeted', standing, greeting: { name: command.name, isExtended } },
    message,
  )
}

/** No status on these lines: the client does not know yet that it may expect one (RFC 2034 §4). */
function extensionsReply(rules: SessionRules, isEncrypted: boolean): Reply {
  return reply(
    250,
    null,
    rules.hostname,
    'PIPELINING',
    `SIZE ${rules.maxMessageBytes}`,
    '8BITMIME',
    'SMTPUTF8',
    'ENHANCEDSTATUSCODES',
    ...(rules.isChunkingOffered ? ['CHUNKING'] : []), // RFC 3030
    `LIMITS RCPTMAX=${rules.maxRecipientCount} MAILMAX=${rules.maxTransactionCount}`, // RFC 9422
    ...(rules.isTlsOffered && !isEncrypted ? ['STARTTLS'] : []),
  )
}
