// The mail rules at work in one transaction: what has to be looked up is looked up once, when the first
// recipient asks; then every recipient gets what the rules, the exceptions and the greylist say of it. They
// come before the question to the institute's server, which so hears nothing of clients that are refused.

import type { GreylistAnswer } from '#greylist/greylist.ts'
import {
  factsNeeded,
  judgeOrigin,
  strongest,
  type ClientName,
  type Exceptions,
  type Finding,
  type MailDomain,
  type MailRule,
  type Objection,
  type OriginFacts,
  type OriginRules,
} from '#policy/policy.ts'
import { encodeMailbox, reversePathText, type Mailbox, type ReversePath } from '#smtp/path.ts'
import { defer } from '#verdict/verdict.ts'
import { AskedAhead } from './asked-ahead.ts'
import type { IntakeEvent } from './intake-event.ts'

/** None of its functions throws or rejects. */
export interface MailRules {
  readonly origin: OriginRules
  readonly exceptions: Exceptions
  /** Null: off. */
  readonly greylisting: {
    readonly isObserved: boolean
    readonly judge: (attempt: {
      readonly clientAddress: string
      readonly sender: string
      readonly recipient: string
    }) => GreylistAnswer
  } | null
  /** With a deadline of its own. */
  readonly findClientName: (address: string) => Promise<ClientName>
  readonly findMailDomain: (domain: string) => Promise<MailDomain>
}

export interface RuledTransaction {
  readonly session: string
  readonly mail: string
  readonly clientAddress: string
  readonly reversePath: ReversePath
}

type MaybeLater<Value> = Value | Promise<Value>

interface Origin {
  readonly findings: readonly Finding[]
  /** Confirmed, for exceptions. */
  readonly clientName: string | null
}

export class TransactionRules {
  readonly #rules: MailRules
  readonly #transaction: RuledTransaction
  readonly #emit: (event: IntakeEvent) => void
  #origin: MaybeLater<Origin> | null = null
  readonly #observed = new Set<MailRule>()
  readonly #ahead = new AskedAhead<MaybeLater<Objection | null>>()

  constructor(rules: MailRules, transaction: RuledTransaction, emit: (event: IntakeEvent) => void) {
    this.#rules = rules
    this.#transaction = transaction
    this.#emit = emit
  }

  /** A value when nothing has to be looked up. Never rejects. */
  readonly judge = (recipient: Mailbox): MaybeLater<Objection | null> => {
    const answer = this.#ahead.take(recipient)
    if (answer !== undefined) return answer
    this.#origin ??= this.#findOrigin()
    return this.#origin instanceof Promise
      ? this.#origin.then((origin) => this.#ofRecipient(origin, recipient))
      : this.#ofRecipient(this.#origin, recipient)
  }

  /** The answer is kept for its turn: an attempt is one attempt. */
  readonly judgeAhead = (recipient: Mailbox): MaybeLater<Objection | null> =>
    this.#ahead.ask(recipient, () => this.judge(recipient))

  #findOrigin(): MaybeLater<Origin> {
    const { origin, exceptions, findClientName, findMailDomain } = this.#rules
    const { clientAddress, reversePath } = this.#transaction
    const needed = factsNeeded(origin)
    const senderDomain = domainOf(reversePath)
    const name = needed.clientName || exceptions.needsClientName
    const mailDomain = needed.mailDomain && senderDomain !== null
    if (!name && !mailDomain) return { findings: [], clientName: null }
    return Promise.all([
      name ? findClientName(clientAddress) : null,
      mailDomain ? findMailDomain(senderDomain) : null,
    ]).then(([foundName, foundDomain]) =>
      this.#judgeOrigin({
        clientAddress,
        clientName: foundName,
        senderDomain,
        mailDomain: foundDomain,
      }),
    )
  }

  #judgeOrigin(facts: OriginFacts): Origin {
    const { clientName } = facts
    return {
      findings: judgeOrigin(this.#rules.origin, facts),
      clientName: clientName?.kind === 'confirmed' ? clientName.name : null,
    }
  }

  #ofRecipient({ findings, clientName }: Origin, recipient: Mailbox): Objection | null {
    const { clientAddress, reversePath } = this.#transaction
    const sender = reversePath.kind === 'null' ? null : reversePath.mailbox
    const subject = { clientAddress, clientName, sender, recipient }
    const { excepts } = this.#rules.exceptions
    const standing = findings.filter(({ rule }) => !excepts(rule, subject))
    for (const finding of standing) if (finding.isObserved) this.#tellObserved(finding, recipient)
    const objection = strongest(standing)
    if (objection !== null || excepts('greylisting', subject)) return objection
    return this.#greylist(recipient)
  }

  #greylist(recipient: Mailbox): Objection | null {
    const { greylisting } = this.#rules
    if (greylisting === null) return null
    const { session, mail, clientAddress, reversePath } = this.#transaction
    const sender = reversePathText(reversePath)
    const answer = greylisting.judge({ clientAddress, sender, recipient: encodeMailbox(recipient) })
    if (answer.kind === 'passed') {
      const { waitedMs } = answer
      this.#emit({ kind: 'greylist-passed', session, mail, clientAddress, waitedMs })
    }
    if (answer.kind !== 'wait') return null
    const objection = defer({ kind: 'greylisted', waitMs: answer.waitMs })
    if (!greylisting.isObserved) return objection
    this.#tellObserved({ rule: 'greylisting', isObserved: true, objection }, recipient)
    return null
  }

  /** Once a transaction, with the first recipient it would have concerned. */
  #tellObserved({ rule, objection }: Finding, recipient: Mailbox): void {
    if (this.#observed.has(rule)) return
    this.#observed.add(rule)
    const { session, mail, clientAddress, reversePath } = this.#transaction
    this.#emit({
      kind: 'rule-observed',
      session,
      mail,
      rule,
      clientAddress,
      reversePath: reversePathText(reversePath),
      recipient: encodeMailbox(recipient),
      verdict: objection,
    })
  }
}

/** Null for the null reverse-path, and for an address literal: there is nothing to look up. */
function domainOf(path: ReversePath): string | null {
  if (path.kind === 'null' || path.mailbox.domain.startsWith('[')) return null
  return path.mailbox.domain
}
