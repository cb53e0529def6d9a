// A mail between its last byte and the reply to it: how it ends, and what is kept in mind of it when the client
// does not hear that (RFC 1047).

import { finishMail, identityOf, type CompleteMail, type FinishOptions } from './finish-mail.ts'
import type { MailJudgement } from './judge-mail.ts'

export class MailUnderWay {
  /** Rejects as `finishMail` does. */
  readonly judgement: Promise<MailJudgement>
  readonly #mail: CompleteMail
  readonly #ledger: FinishOptions['ledger']
  /** The ledger still reads the content. */
  #isRemembered: Promise<void> | null = null

  constructor(options: FinishOptions, mail: CompleteMail) {
    this.#mail = mail
    this.#ledger = options.ledger
    this.judgement = finishMail(options, mail)
  }

  /** The client will not hear how the mail ends, and sends it again: maybe before it ends. */
  clientGone(): void {
    if (this.#isRemembered !== null) return
    const mail = this.#mail
    const head = mail.content.head()
    if (head === null) return
    const stored = mail.content.stored(head)
    const served = this.judgement.then(({ served: addresses }) => addresses)
    this.#isRemembered = this.#ledger.remember(identityOf(mail, stored), stored, served)
  }

  /** The client has heard, or never will. The content is free when it resolves. */
  async settle(judgement: MailJudgement, isClientGone: boolean): Promise<void> {
    if (isClientGone) this.clientGone()
    await this.#isRemembered
    const isServedAgain = judgement.isRetry && judgement.verdict.kind === 'accept'
    if (!isClientGone && isServedAgain) await this.#forget()
    this.#mail.content.discard()
  }

  /** The client has heard: the same bytes once more would be a mail of their own. */
  async #forget(): Promise<void> {
    const head = this.#mail.content.head()
    if (head === null) return
    const stored = this.#mail.content.stored(head)
    await this.#ledger.forget(identityOf(this.#mail, stored), stored)
  }
}
