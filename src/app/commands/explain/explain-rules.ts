// What the mail rules say of an envelope: the very rules the relay applies, but the greylist notes nothing.

import type { Config } from '#config/config.ts'
import type { Resolver } from '#dns/dns.ts'
import { TransactionRules } from '#intake/intake.ts'
import type { Objection } from '#policy/policy.ts'
import type { Mailbox, ReversePath } from '#smtp/path.ts'
import { encodeReply } from '#smtp/reply.ts'
import { verdictReply } from '#verdict/replies.ts'
import type { Deferral, Rejection } from '#verdict/verdict.ts'
import { openMailRules } from '#app/mail-rules.ts'

export interface ExplainedRules extends Disposable {
  /** For the judge of recipients; null: no rule is on, or it is not known who the client is. */
  readonly judge: ((recipient: Mailbox) => Promise<Objection | null>) | null
}

/** `note` gets one line each, not cleaned. Throws a CommandError when the exceptions cannot be used. */
export function explainRules(
  config: Config,
  resolver: Resolver,
  envelope: { readonly client: string | null; readonly reversePath: ReversePath },
  note: (text: string) => void,
): ExplainedRules {
  const { client, reversePath } = envelope
  const source = openMailRules(config, { resolver, emit: () => undefined })
  const rules = source.current(config, 'peek')
  if (rules === null || client === null) {
    note(rules === null ? 'none is on' : 'some are on: --client IP says what they do')
    return { judge: null, [Symbol.dispose]: source.close }
  }
  const transaction = new TransactionRules(
    rules,
    { session: '', mail: '', clientAddress: client, reversePath },
    (event) => {
      if (event.kind === 'rule-observed' && event.verdict.kind !== 'accept') {
        note(`only observed, ${wordsOf(event.verdict)}`)
      }
    },
  )
  const judge = async (recipient: Mailbox): Promise<Objection | null> => {
    const objection = await transaction.judge(recipient)
    note(objection === null ? 'none objects' : wordsOf(objection))
    return objection
  }
  return { judge, [Symbol.dispose]: source.close }
}

function wordsOf(verdict: Deferral | Rejection): string {
  return `${verdict.reason.kind}: ${encodeReply(verdictReply(verdict, '', '')).trimEnd()}`
}
