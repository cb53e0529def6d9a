// Where the mails of one session are worked on: what the state machine asks for is decided here, with
// the bytes, clocks and served domains it does not know.

import { ChunkDecoder } from '#smtp/chunk-decoder.ts'
import { ContentDecoder, type WireDecoder } from '#smtp/content-decoder.ts'
import { NormalizingDecoder } from '#smtp/normalizing-decoder.ts'
import { encodeMailbox, reversePathText } from '#smtp/path.ts'
import { contentLimitBytes } from '#policy/policy.ts'
import type { Greeting, Transaction } from '#session/session.ts'
import { accept, defer, type Verdict } from '#verdict/verdict.ts'
import type { ContentMemory } from './content-memory.ts'
import type { CompleteMail, FinishOptions } from './finish-mail.ts'
import { IncomingContent } from './incoming-content.ts'
import type { MailJudgement } from './judge-mail.ts'
import { MailUnderWay } from './mail-under-way.ts'
import { mailboxTexts, RecipientDesk, type RecipientDeskOptions } from './recipient-desk.ts'

export interface MailDeskOptions extends RecipientDeskOptions {
  readonly finish: FinishOptions
  readonly contentMemory: ContentMemory
  readonly maxContentInMemoryBytes: number
  readonly contentFolder: string
  /** A CR or LF on its own in the content: refused, or made a line end or a space. */
  readonly bareNewlines: 'reject' | 'normalize'
  readonly monotonicMs: () => number
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

export class MailDesk {
  readonly recipients: RecipientDesk
  readonly #options: MailDeskOptions
  readonly #session: string
  readonly #onProgress: () => void
  #mailCount = 0
  #mailId = ''
  #transaction: Transaction | null = null
  #content: IncomingContent | null = null
  /** Of that content, when it comes in chunks. */
  #chunks: ChunkDecoder | null = null
  #contentStartedMs = 0
  #waitForStored: (() => void) | null = null
  #underWay: MailUnderWay | null = null

  /** `onProgress`: a congested disk has caught up. */
  constructor(
    options: MailDeskOptions,
    session: string,
    clientAddress: () => string,
    onProgress: () => void,
  ) {
    this.recipients = new RecipientDesk(options, session, clientAddress)
    this.#options = options
    this.#session = session
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
    this.recipients.open(this.#mailId, transaction)
    const { sizeBytes } = transaction.parameters
    const hasRoom = this.#options.finish.spool.hasRoomFor(sizeBytes ?? 0)
    return hasRoom ? accept : defer({ kind: 'storage-failed' })
  }

  /** The client will not hear how the mail under way ends. */
  clientGone(): void {
    this.#underWay?.clientGone()
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
    const underWay = new MailUnderWay(this.#options.finish, mail)
    this.#underWay = underWay
    const judgement = await underWay.judgement.catch((error: unknown) => {
      this.#underWay = null
      mail.content.discard() // nobody will settle it
      throw error
    })
    const handoverMs = this.#options.monotonicMs() - startMs
    const settle = (reply: string, isClientGone: boolean): Promise<void> => {
      this.#emitFinished(mail, judgement, { reply, isClientGone, receiveMs, handoverMs })
      this.#underWay = null
      return underWay.settle(judgement, isClientGone)
    }
    return { judgement, settle }
  }

  /** Whatever mail was open is over. */
  reset(): void {
    this.#content?.discard()
    this.#content = null
    this.#chunks = null
    this.#transaction = null
    this.recipients.close()
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
    return this.recipients.taken.reduce(
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
      taken: this.recipients.taken,
      content: this.#content,
      maxMessageBytes: this.#maxMessageBytes(),
      clientAddress: client.address,
      greeting: client.greeting,
      tlsCipher: client.tlsCipher,
      clientCertificate: client.clientCertificate,
      clientPort: client.port,
    }
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
      recipients: mailboxTexts(mail.taken),
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
