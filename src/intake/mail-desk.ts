// Where the mails of one session are worked on: what the state machine asks for is decided here, with
// the bytes, clocks and served domains it does not know.

import { ChunkDecoder } from '#smtp/chunk-decoder.ts'
import { ContentDecoder, type WireDecoder } from '#smtp/content-decoder.ts'
import { NormalizingDecoder } from '#smtp/normalizing-decoder.ts'
import type { ForwardPath } from '#smtp/path.ts'
import { encodeMailbox, forwardPathText, reversePathText } from '#smtp/path.ts'
import { contentLimitBytes } from '#policy/policy.ts'
import type { RecipientAnswer, Recipients } from '#recipients/recipients.ts'
import type { Greeting, Transaction } from '#session/session.ts'
import { accept, defer, type Verdict } from '#verdict/verdict.ts'
import type { ContentMemory } from './content-memory.ts'
import { finishMail, identityOf, type CompleteMail, type FinishOptions } from './finish-mail.ts'
import { IncomingContent } from './incoming-content.ts'
import { clientNetwork } from './guess-book.ts'
import { guardedVerify, type Guessing } from './guarded-verify.ts'
import type { IntakeEvent } from './intake-event.ts'
import type { MailJudgement } from './judge-mail.ts'
import {
  judgeRecipient,
  type JudgedRecipient,
  type RecipientJudgeOptions,
  type TakenRecipient,
} from './judge-recipient.ts'
import { TransactionRules, type MailRules } from './mail-rules.ts'

export interface MailDeskOptions {
  readonly recipientJudge: RecipientJudgeOptions
  readonly guessing: Guessing
  readonly finish: FinishOptions
  /** Null: all are off. Then nothing is looked up and nobody waits. */
  readonly mailRules: MailRules | null
  readonly contentMemory: ContentMemory
  readonly maxContentInMemoryBytes: number
  readonly contentFolder: string
  /** A CR or LF on its own in the content: refused, or made a line end or a space. */
  readonly bareNewlines: 'reject' | 'normalize'
  readonly monotonicMs: () => number
  readonly emit: (event: IntakeEvent) => void
}

/** The client as the trace field needs it. */
export interface ClientFacts {
  readonly address: string
  readonly greeting: Greeting
  readonly tlsCipher: string | null
  /** As `clientCertificateText`. */
  readonly clientCertificate: string | undefined
  readonly port: number
}

type Verify = Recipients['verify']

export class MailDesk {
  readonly #options: MailDeskOptions
  readonly #judge: RecipientJudgeOptions
  readonly #ask: Verify
  readonly #session: string
  readonly #clientAddress: () => string
  readonly #onProgress: () => void
  #mailCount = 0
  #mailId = ''
  #transaction: Transaction | null = null
  /** Of the open transaction. */
  #rules: TransactionRules | null = null
  #taken: TakenRecipient[] = []
  /** Answers to questions asked ahead of their turn. */
  readonly #ahead = new Map<string, RecipientAnswer | Promise<RecipientAnswer>>()
  #content: IncomingContent | null = null
  /** Of that content, when it comes in chunks. */
  #chunks: ChunkDecoder | null = null
  #contentStartedMs = 0
  #waitForStored: (() => void) | null = null
  /** The mail that is being handed over, and what comes of it. */
  #underWay: { readonly mail: CompleteMail; readonly judgement: Promise<MailJudgement> } | null =
    null
  /** The ledger still reads the content of that mail. */
  #isRemembered: Promise<void> | null = null

  /** `onProgress`: a congested disk has caught up. */
  constructor(
    options: MailDeskOptions,
    session: string,
    clientAddress: () => string,
    onProgress: () => void,
  ) {
    const { recipientJudge, guessing } = options
    this.#options = options
    this.#ask = guardedVerify(
      (query) => recipientJudge.recipients.verify(query),
      guessing,
      () => clientNetwork(clientAddress()),
    )
    this.#judge = { ...recipientJudge, recipients: { verify: this.#verify } }
    this.#session = session
    this.#clientAddress = clientAddress
    this.#onProgress = onProgress
  }

  /** Trace id of the mail that is open or was last. */
  get mailId(): string {
    return this.#mailId
  }

  get mailCount(): number {
    return this.#mailCount
  }

  get isCongested(): boolean {
    return this.#content?.isCongested ?? false
  }

  judgeSender(transaction: Transaction): Verdict {
    this.reset()
    this.#mailCount += 1
    this.#mailId = `${this.#session}.${this.#mailCount}`
    this.#transaction = transaction
    this.#rules = this.#openRules(transaction)
    const { sizeBytes } = transaction.parameters
    const hasRoom = this.#options.finish.spool.hasRoomFor(sizeBytes ?? 0)
    return hasRoom ? accept : defer({ kind: 'storage-failed' })
  }

  /** The client will not hear how the mail under way ends, and sends it again: maybe before it ends. */
  clientGone(): void {
    if (this.#underWay === null || this.#isRemembered !== null) return
    const { mail, judgement } = this.#underWay
    const head = mail.content.head()
    if (head === null) return
    const stored = mail.content.stored(head)
    const served = judgement.then(({ served: addresses }) => addresses)
    const { ledger } = this.#options.finish
    this.#isRemembered = ledger.remember(identityOf(mail, stored), stored, served)
  }

  judgeRecipient(candidate: ForwardPath): JudgedRecipient | Promise<JudgedRecipient> {
    const { parameters } = this.#openTransaction()
    const judge =
      this.#rules === null ? this.#judge : { ...this.#judge, mailRules: this.#rules.judge }
    return judgeRecipient(judge, candidate, parameters, this.#taken)
  }

  /** False: more questions than those under way would be beyond the budget of the client's network. */
  get mayAskAhead(): boolean {
    const { book } = this.#options.guessing
    return book.mayAskAhead(clientNetwork(this.#clientAddress()))
  }

  /**
   * Has a recipient asked for whose turn comes soon. Its answer waits for it, whatever it is. False: it is
   * refused without a question.
   */
  askAhead(candidate: ForwardPath): boolean {
    const { parameters } = this.#openTransaction()
    const verify: Verify = (query) => {
      const key = encodeMailbox(query.mailbox)
      const answer = this.#ahead.get(key) ?? this.#ask(query)
      this.#ahead.set(key, answer) // known ones too: each is counted once
      return answer
    }
    const mailRules = this.#rules?.judgeAhead ?? null
    const ahead = { ...this.#judge, recipients: { verify }, mailRules }
    const judged = judgeRecipient(ahead, candidate, parameters, this.#taken)
    return judged instanceof Promise || judged.verdict.kind !== 'reject'
  }

  /** Keeps an accepted recipient, and tells what was decided; `reply` is what the client got. */
  recipientJudged(candidate: ForwardPath, judged: JudgedRecipient, reply: string): void {
    if (judged.taken !== null) this.#taken.push(judged.taken)
    this.#options.emit({
      kind: 'recipient-judged',
      session: this.#session,
      mail: this.#mailId,
      reversePath: reversePathText(this.#openTransaction().reversePath),
      recipient: forwardPathText(candidate),
      verdict: judged.verdict,
      reply,
      source: judged.source,
      tookMs: judged.tookMs,
    })
  }

  beginContent(): void {
    const isNormalizing = this.#options.bareNewlines === 'normalize'
    this.#open(isNormalizing ? new NormalizingDecoder() : new ContentDecoder())
  }

  /** So many octets are content. Without octets `pushContent` has to be called as well, with nothing. */
  beginChunk(sizeBytes: number, isLast: boolean): void {
    if (this.#chunks === null) {
      this.#chunks = new ChunkDecoder(this.#options.bareNewlines === 'normalize')
      this.#open(this.#chunks)
    }
    this.#chunks.announce(sizeBytes, isLast)
  }

  /** What lies behind the end of data or of the chunk, or null while it goes on. */
  pushContent(chunk: Buffer): Buffer | null {
    if (this.#content === null) throw new Error('content without a mail')
    return this.#content.push(chunk)
  }

  /** The mail whose content is coming is refused whatever may still come. */
  get isDoomed(): boolean {
    return this.#content?.isDoomed ?? false
  }

  /**
   * The final verdict on the mail, and how to close its file: `settle` tells what the client got, keeps
   * in mind what it did not get, and frees the content. Rejects as `finishMail` does; the content is free
   * then too.
   */
  async judgeMail(client: ClientFacts): Promise<{
    readonly judgement: MailJudgement
    readonly settle: (reply: string, isClientGone: boolean) => Promise<void>
  }> {
    const startMs = this.#options.monotonicMs()
    const mail = this.#completeMail(client)
    this.#content = null // it belongs to this judgement now, whatever the session does
    this.#chunks = null
    if (!mail.content.isStored)
      await new Promise<void>((resolve) => (this.#waitForStored = resolve))
    const receiveMs = startMs - this.#contentStartedMs
    this.#underWay = { mail, judgement: finishMail(this.#options.finish, mail) }
    this.#isRemembered = null
    const judgement = await this.#underWay.judgement.catch((error: unknown) => {
      this.#underWay = null
      mail.content.discard() // nobody will settle it
      throw error
    })
    const handoverMs = this.#options.monotonicMs() - startMs
    const settle = async (reply: string, isClientGone: boolean): Promise<void> => {
      this.#emitFinished(mail, judgement, { reply, isClientGone, receiveMs, handoverMs })
      if (isClientGone) this.clientGone()
      this.#underWay = null
      await this.#isRemembered
      if (!isClientGone && judgement.isRetry && judgement.verdict.kind === 'accept') {
        await this.#forget(mail)
      }
      mail.content.discard()
    }
    return { judgement, settle }
  }

  /** Whatever mail was open is over. */
  reset(): void {
    this.#content?.discard()
    this.#content = null
    this.#chunks = null
    this.#taken = []
    if (this.#ahead.size > 0) this.#ahead.clear()
    this.#transaction = null
    this.#rules = null
  }

  #openRules({ reversePath }: Transaction): TransactionRules | null {
    const { mailRules, emit } = this.#options
    if (mailRules === null) return null
    const clientAddress = this.#clientAddress()
    const transaction = { session: this.#session, mail: this.#mailId, clientAddress, reversePath }
    return new TransactionRules(mailRules, transaction, emit)
  }

  readonly #verify: Verify = (query) => {
    if (this.#ahead.size > 0) {
      const key = encodeMailbox(query.mailbox)
      const answer = this.#ahead.get(key)
      this.#ahead.delete(key)
      if (answer !== undefined) return answer
    }
    return this.#ask(query)
  }

  #open(decoder: WireDecoder): void {
    const { contentMemory, maxContentInMemoryBytes, contentFolder, finish } = this.#options
    this.#contentStartedMs = this.#options.monotonicMs()
    this.#content = new IncomingContent({
      decoder,
      maxBytes: contentLimitBytes(this.#maxMessageBytes()),
      maxHeaderBytes: finish.maxHeaderBytes,
      maxInMemoryBytes: maxContentInMemoryBytes,
      memory: contentMemory,
      folder: contentFolder,
      name: this.#mailId,
      onProgress: () => this.#contentProgressed(),
    })
  }

  #openTransaction(): Transaction {
    if (this.#transaction === null) throw new Error('no mail transaction is open')
    return this.#transaction
  }

  #maxMessageBytes(): number {
    return this.#taken.reduce(
      (least, recipient) => Math.min(least, recipient.maxMessageBytes),
      this.#options.recipientJudge.maxMessageBytes,
    )
  }

  #contentProgressed(): void {
    this.#onProgress()
    const resolve = this.#waitForStored
    this.#waitForStored = null
    resolve?.()
  }

  #completeMail(client: ClientFacts): CompleteMail {
    if (this.#content === null) throw new Error('content without a mail')
    return {
      id: this.#mailId,
      transaction: this.#openTransaction(),
      taken: this.#taken,
      content: this.#content,
      maxMessageBytes: this.#maxMessageBytes(),
      clientAddress: client.address,
      greeting: client.greeting,
      tlsCipher: client.tlsCipher,
      clientCertificate: client.clientCertificate,
      clientPort: client.port,
    }
  }

  /** The client has heard: the same bytes once more would be a mail of their own. */
  async #forget(mail: CompleteMail): Promise<void> {
    const head = mail.content.head()
    if (head === null) return
    const stored = mail.content.stored(head)
    await this.#options.finish.ledger.forget(identityOf(mail, stored), stored)
  }

  #emitFinished(
    mail: CompleteMail,
    judgement: MailJudgement,
    facts: { reply: string; isClientGone: boolean; receiveMs: number; handoverMs: number },
  ): void {
    this.#options.emit({
      kind: 'mail-finished',
      session: this.#session,
      mail: mail.id,
      clientAddress: mail.clientAddress,
      greetingName: mail.greeting.name,
      reversePath: reversePathText(mail.transaction.reversePath),
      recipients: recipientsOf(mail),
      sizeBytes: mail.content.sizeBytes,
      verdict: judgement.verdict,
      transfers: judgement.transfers,
      takenOver: judgement.takenOver.map(({ recipient, fate, words }) => ({
        recipient: encodeMailbox(recipient.mailbox),
        fate: fate === 'refused' ? 'held' : 'waiting',
        reply: words,
      })),
      ...facts,
    })
  }
}

function recipientsOf(mail: CompleteMail): readonly string[] {
  return mail.taken.map(({ mailbox }) => encodeMailbox(mailbox))
}
