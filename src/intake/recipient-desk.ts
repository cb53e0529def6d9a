// Where the recipients of a session's mails are judged, each in its turn or ahead of it.

import { encodeMailbox, forwardPathText, reversePathText, type ForwardPath } from '#smtp/path.ts'
import type { RecipientAnswer, Recipients } from '#recipients/recipients.ts'
import type { Transaction } from '#session/session.ts'
import { AskedAhead } from './asked-ahead.ts'
import { guardedVerify, type Guessing } from './guarded-verify.ts'
import { clientNetwork } from './guess-book.ts'
import type { IntakeEvent } from './intake-event.ts'
import {
  judgeRecipient,
  type JudgedRecipient,
  type RecipientJudgeOptions,
  type TakenRecipient,
} from './judge-recipient.ts'
import { TransactionRules, type MailRules } from './mail-rules.ts'

export interface RecipientDeskOptions {
  readonly recipientJudge: RecipientJudgeOptions
  readonly guessing: Guessing
  /** Null: all are off. Then nothing is looked up and nobody waits. */
  readonly mailRules: MailRules | null
  readonly emit: (event: IntakeEvent) => void
}

type Verify = Recipients['verify']

/** The transaction whose recipients are judged. */
interface OpenMail {
  readonly id: string
  readonly transaction: Transaction
  readonly rules: TransactionRules | null
}

export class RecipientDesk {
  readonly #options: RecipientDeskOptions
  readonly #session: string
  readonly #clientAddress: () => string
  readonly #ask: Verify
  readonly #judge: RecipientJudgeOptions
  #mail: OpenMail | null = null
  #taken: TakenRecipient[] = []
  #ahead: AskedAhead<RecipientAnswer | Promise<RecipientAnswer>> | null = null

  constructor(options: RecipientDeskOptions, session: string, clientAddress: () => string) {
    const { recipientJudge, guessing } = options
    this.#options = options
    this.#session = session
    this.#clientAddress = clientAddress
    this.#ask = guardedVerify(
      (query) => recipientJudge.recipients.verify(query),
      guessing,
      () => clientNetwork(clientAddress()),
    )
    const verify: Verify = (query) => this.#ahead?.take(query.mailbox) ?? this.#ask(query)
    this.#judge = { ...recipientJudge, recipients: { verify } }
  }

  /** Of the open transaction, in the order in which they were taken. */
  get taken(): readonly TakenRecipient[] {
    return this.#taken
  }

  /** `mailId`: the trace id. */
  open(mailId: string, transaction: Transaction): void {
    this.close()
    this.#mail = { id: mailId, transaction, rules: this.#rulesOf(mailId, transaction) }
  }

  /** Whatever transaction was open is over. */
  close(): void {
    this.#mail = null
    this.#taken = []
    this.#ahead = null
  }

  judge(candidate: ForwardPath): JudgedRecipient | Promise<JudgedRecipient> {
    const { transaction, rules } = this.#openMail()
    const judge = rules === null ? this.#judge : { ...this.#judge, mailRules: rules.judge }
    return judgeRecipient(judge, candidate, transaction.parameters, this.#taken)
  }

  /** False: more questions than those under way would be beyond the budget of the client's network. */
  get mayAskAhead(): boolean {
    return this.#options.guessing.book.mayAskAhead(clientNetwork(this.#clientAddress()))
  }

  /**
   * Has a recipient asked for whose turn comes soon. Its answer waits for it, whatever it is: one that was
   * known is counted once as well. False: it is refused without a question.
   */
  askAhead(candidate: ForwardPath): boolean {
    const { transaction, rules } = this.#openMail()
    const kept = (this.#ahead ??= new AskedAhead())
    const verify: Verify = (query) => kept.ask(query.mailbox, () => this.#ask(query))
    const mailRules = rules?.judgeAhead ?? null
    const ahead = { ...this.#judge, recipients: { verify }, mailRules }
    const judged = judgeRecipient(ahead, candidate, transaction.parameters, this.#taken)
    return judged instanceof Promise || judged.verdict.kind !== 'reject'
  }

  /** Keeps an accepted recipient, and tells what was decided; `reply` is what the client got. */
  judged(candidate: ForwardPath, judged: JudgedRecipient, reply: string): void {
    const { id, transaction } = this.#openMail()
    if (judged.taken !== null) this.#taken.push(judged.taken)
    this.#options.emit({
      kind: 'recipient-judged',
      session: this.#session,
      mail: id,
      reversePath: reversePathText(transaction.reversePath),
      recipient: forwardPathText(candidate),
      verdict: judged.verdict,
      reply,
      source: judged.source,
      tookMs: judged.tookMs,
    })
  }

  #openMail(): OpenMail {
    if (this.#mail === null) throw new Error('no mail transaction is open')
    return this.#mail
  }

  #rulesOf(mail: string, { reversePath }: Transaction): TransactionRules | null {
    const { mailRules, emit } = this.#options
    if (mailRules === null) return null
    const clientAddress = this.#clientAddress()
    const transaction = { session: this.#session, mail, clientAddress, reversePath }
    return new TransactionRules(mailRules, transaction, emit)
  }
}

/** Addresses, for logs. */
export function mailboxTexts(taken: readonly TakenRecipient[]): readonly string[] {
  return taken.map(({ mailbox }) => encodeMailbox(mailbox))
}
