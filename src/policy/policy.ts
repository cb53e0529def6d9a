// The relay's own rules. The door: one list of rules for each stage, the first that objects decides.

import type { MailParameters } from '#smtp/command.ts'
import type { ServedDomain } from '#registry/registry.ts'
import type { Deferral, Rejection } from '#verdict/verdict.ts'
import { bareNewline } from './content/bare-newline.ts'
import { headerSize } from './content/header-size.ts'
import { hopLimit } from './content/hop-limit.ts'
import { messageSize } from './content/message-size.ts'
import { declaredSize } from './rcpt/declared-size.ts'
import { declared8BitMime } from './rcpt/declared-8bitmime.ts'
import { oneSizeLimit } from './rcpt/one-size-limit.ts'
import { ownTransaction } from './rcpt/own-transaction.ts'
import { routedRecipient } from './rcpt/routed-recipient.ts'
import { suspendedDomain } from './rcpt/suspended-domain.ts'

export type { ClientName } from '#dns/client-name.ts'
export type { MailDomain } from '#dns/mail-domain.ts'
export { contentLimitBytes } from './content/message-size.ts'
export { noExceptions, parseExceptions, type Exceptions } from './origin/exceptions.ts'
export { factsNeeded, judgeOrigin, strongest } from './origin/judge-origin.ts'
export type {
  Finding,
  MailRule,
  OriginFacts,
  OriginRule,
  OriginRules,
  RuleMode,
} from './origin/judge-origin.ts'

export type Objection = Deferral | Rejection

/** What is known at RCPT about a recipient of a served domain. */
export interface RcptFacts {
  readonly domain: ServedDomain
  /** As written, quotes included. */
  readonly local: string
  /** Local parts may name a way to another place. */
  readonly isRoutingAccepted: boolean
  readonly parameters: MailParameters
  /** Limit of this recipient's mail in bytes: the domain's or the relay's. */
  readonly maxMessageBytes: number
  /** Limit of the recipients taken before; null for the first. */
  readonly takenMaxMessageBytes: number | null
  /** The recipients taken before. */
  readonly taken: readonly { readonly domain: ServedDomain }[]
}

/** What is known when the content is complete. */
export interface ContentFacts {
  /** RFC 1870: without dot-stuffing. */
  readonly sizeBytes: number
  readonly isTooLarge: boolean
  readonly maxMessageBytes: number
  readonly hasBareNewline: boolean
  /** Null: the header section is larger than `maxHeaderBytes`. */
  readonly hopCount: number | null
  readonly maxHopCount: number
  readonly maxHeaderBytes: number
}

export type Rule<Facts> = (facts: Facts) => Objection | null

const rcptRules: readonly Rule<RcptFacts>[] = [
  routedRecipient,
  suspendedDomain,
  declaredSize,
  declared8BitMime,
  oneSizeLimit,
  ownTransaction,
]

/** The order matters: a mail that is too large was not kept, so nothing else is known of it. */
const contentRules: readonly Rule<ContentFacts>[] = [messageSize, bareNewline, headerSize, hopLimit]

export function judgeRcpt(facts: RcptFacts): Objection | null {
  return firstObjection(rcptRules, facts)
}

export function judgeContent(facts: ContentFacts): Objection | null {
  return firstObjection(contentRules, facts)
}

function firstObjection<Facts>(rules: readonly Rule<Facts>[], facts: Facts): Objection | null {
  for (const rule of rules) {
    const objection = rule(facts)
    if (objection !== null) return objection
  }
  return null
}
