// A mail server out on the Internet: it sends numbered mails, tries again what did not get its 250, as
// RFC 5321 §4.5.4.1 wants it, and remembers for every number and recipient each answer it got.

import { setTimeout as sleep } from 'node:timers/promises'
import { connectRaw, type RawClient } from '../../support/raw-client.ts'
import { contentOf, reversePathOf, type NumberedMail } from './numbered-mail.ts'
import type { Random } from './random.ts'

/** `unsent`: the session broke before all of the content had left. `unanswered`: after it. */
export type Answer = 'yes' | 'later' | 'no' | 'unanswered' | 'unsent'

export interface Try {
  readonly startMs: number
  readonly endMs: number
  readonly answers: ReadonlyMap<string, Answer>
}

export interface SentNumber extends NumberedMail {
  /** False: whatever it hears, it is sent once. */
  readonly isRetried: boolean
  readonly tries: Try[]
}

export interface OutsideClientOptions {
  readonly random: Random
  /** Null while the relay is not running. */
  readonly port: () => number | null
  readonly addresses: readonly [string, ...string[]]
  readonly sessionCount: number
  /** Share of mails that are larger than what the relay keeps in memory. */
  readonly largeShare: number
}

export class OutsideClient {
  readonly numbers: SentNumber[] = []
  readonly #options: OutsideClientOptions
  readonly #retries: { readonly mail: SentNumber; readonly dueMs: number }[] = []
  #isSendingNew = true
  #isStopped = false
  #busyCount = 0

  constructor(options: OutsideClientOptions) {
    this.#options = options
  }

  /** Runs until `stop`. Rejects only on a fault of the test. */
  async run(): Promise<void> {
    const { sessionCount } = this.#options
    await Promise.all(Array.from({ length: sessionCount }, () => this.#work()))
  }

  /** From now on only what still waits for its 250. */
  finish(): void {
    this.#isSendingNew = false
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Nothing is on its way and nothing waits. */
  get isDone(): boolean {
    return !this.#isSendingNew && this.#busyCount === 0 && this.#retries.length === 0
  }

  async #work(): Promise<void> {
    while (!this.#isStopped) {
      const mails = this.#take()
      const port = this.#options.port()
      if (mails.length === 0 || port === null) {
        this.#giveBack(mails)
        await sleep(5)
        continue
      }
      this.#busyCount += 1
      await this.#session(port, mails)
      this.#busyCount -= 1
    }
  }

  /** Mails for one session: what is due again, else new ones. */
  #take(): SentNumber[] {
    const nowMs = performance.now()
    const dueIndex = this.#retries.findIndex(({ dueMs }) => dueMs <= nowMs)
    const [due] = dueIndex < 0 ? [] : this.#retries.splice(dueIndex, 1)
    if (due !== undefined) return [due.mail]
    if (!this.#isSendingNew || this.#options.port() === null) return []
    return Array.from({ length: this.#options.random.between(1, 3) }, () => this.#newMail())
  }

  #giveBack(mails: readonly SentNumber[]): void {
    for (const mail of mails) this.#retries.push({ mail, dueMs: 0 })
  }

  #newMail(): SentNumber {
    const { random, addresses, largeShare } = this.#options
    const wanted = random.chance(0.6) ? 1 : random.between(2, addresses.length)
    const recipients = [...addresses].sort(() => random.next() - 0.5).slice(0, wanted)
    const mail: SentNumber = {
      number: this.numbers.length + 1,
      recipients,
      lineCount: random.chance(largeShare) ? 7000 : random.between(1, 60),
      isRetried: random.chance(0.8),
      tries: [],
    }
    this.numbers.push(mail)
    return mail
  }

  async #session(port: number, mails: readonly SentNumber[]): Promise<void> {
    const rest = [...mails]
    try {
      await using client = await connectRaw({ port, deadlineMs: 20_000 })
      await client.expect(220)
      await client.command('EHLO client.example', 250)
      for (let mail = rest[0]; mail !== undefined; mail = rest[0]) {
        const goesOn = await this.#send(client, mail)
        rest.shift()
        this.#planRetry(mail)
        if (!goesOn) return
      }
      await client.command('QUIT')
    } catch (error) {
      if (isFaultOfTest(error)) throw error
    } finally {
      // Not begun: the session broke before their turn.
      for (const mail of rest) {
        if (mail.tries.length > 0) this.#planRetry(mail)
        else this.#retries.push({ mail, dueMs: performance.now() + 20 })
      }
    }
  }

  /** One try. False when the session is over. */
  async #send(client: RawClient, mail: SentNumber): Promise<boolean> {
    const transaction = new Transaction(client, mail, this.#options.random)
    try {
      await transaction.run()
      return true
    } catch (error) {
      if (isFaultOfTest(error)) throw error
      return false
    } finally {
      mail.tries.push(transaction.outcome())
    }
  }

  #planRetry(mail: SentNumber): void {
    if (!mail.isRetried || openRecipients(mail).length === 0) return
    const dueMs = performance.now() + this.#options.random.between(50, 600)
    this.#retries.push({ mail, dueMs })
  }
}

/** Recipients that have had neither yes nor no. */
export function openRecipients(mail: SentNumber): readonly string[] {
  return mail.recipients.filter((address) => {
    const answers = mail.tries.map(({ answers: given }) => given.get(address))
    return !answers.includes('yes') && !answers.includes('no')
  })
}

class Transaction {
  readonly #client: RawClient
  readonly #mail: SentNumber
  readonly #random: Random
  readonly #startMs = performance.now()
  readonly #answers = new Map<string, Answer>()
  #taken: string[] = []

  constructor(client: RawClient, mail: SentNumber, random: Random) {
    this.#client = client
    this.#mail = mail
    this.#random = random
    for (const address of openRecipients(mail)) this.#answers.set(address, 'unsent')
  }

  async run(): Promise<void> {
    const client = this.#client
    const opened = await client.command(`MAIL FROM:<${reversePathOf(this.#mail.number)}>`)
    if (!opened.startsWith('2')) return this.#allHear(opened)
    for (const address of this.#answers.keys()) {
      const reply = await client.command(`RCPT TO:<${address}>`)
      if (reply.startsWith('2')) this.#taken.push(address)
      else this.#answers.set(address, answerOf(reply))
    }
    if (this.#taken.length === 0) return void (await client.command('RSET'))
    const go = await client.command('DATA')
    if (!go.startsWith('3')) return this.#allHear(go)
    await this.#content()
    this.#allHear(await client.expect())
  }

  outcome(): Try {
    return { startMs: this.#startMs, endMs: performance.now(), answers: this.#answers }
  }

  async #content(): Promise<void> {
    const bytes = Buffer.concat([contentOf(this.#mail), Buffer.from('.\r\n')])
    const middle = Math.floor(bytes.length / 2)
    await this.#client.sendBytes(bytes.subarray(0, middle))
    if (this.#random.chance(0.3)) await sleep(this.#random.between(1, 30))
    for (const address of this.#taken) this.#answers.set(address, 'unanswered')
    await this.#client.sendBytes(bytes.subarray(middle))
    // Some do not wait for the answer long enough (RFC 1047).
    if (this.#random.chance(0.03)) this.#client.reset()
  }

  #allHear(reply: string): void {
    const concerned = this.#taken.length === 0 ? [...this.#answers.keys()] : this.#taken
    for (const address of concerned) this.#answers.set(address, answerOf(reply))
  }
}

function answerOf(reply: string): Answer {
  return reply.startsWith('2') ? 'yes' : reply.startsWith('5') ? 'no' : 'later'
}

/** Broken connections are what this is about; anything else is a mistake here. */
function isFaultOfTest(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError
}
