// An institute's mail server to try Pforte against: used by the demo and by the tests. Well behaved, with
// knobs; peers that are not are in test/support/hostile-server.ts. Nothing here uses src/smtp, so that
// a fault there shows instead of meeting its twin.

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import {
  scriptOf,
  settingsOf,
  type InstituteScript,
  type InstituteServerOptions,
  type InstituteSettings,
} from './institute/options.ts'
import {
  nowMs,
  openRecord,
  type ConnectionCounts,
  type ConnectionRecord,
  type ReceivedMail,
  type RefusedMail,
} from './institute/records.ts'
import { InstituteSession, type SessionHost } from './institute/session.ts'
import { createServerContext } from './institute/upgrade-tls.ts'

export type {
  InstituteExtensions,
  InstituteLimits,
  InstituteScript,
  InstituteServerOptions,
  InstituteStage,
} from './institute/options.ts'
export type {
  ConnectionCounts,
  ConnectionRecord,
  ReceivedCommand,
  ReceivedMail,
  RefusedMail,
} from './institute/records.ts'
export type { CertificateAndKey, TlsFacts } from './institute/upgrade-tls.ts'

const listenBacklog = 511

/** Listens when it resolves. Rejects with the system's error when the port cannot be had. */
export async function startInstituteServer(
  options: InstituteServerOptions = {},
): Promise<InstituteServer> {
  const server = new InstituteServer(options)
  await server.resume()
  return server
}

export class InstituteServer implements AsyncDisposable {
  readonly address: string
  readonly #settings: InstituteSettings
  readonly #secureContext: SecureContext | null
  readonly #maxRecordCount: number
  readonly #onMail: (mail: ReceivedMail) => void
  #isClosed = false
  readonly #sessions = new Map<InstituteSession, Promise<void>>()
  readonly #replyUses = new Map<string, number>()
  #script: InstituteScript
  #listener: Server | null = null
  #port: number
  #mails: ReceivedMail[] = []
  #refused: RefusedMail[] = []
  #connections: ConnectionRecord[] = []
  #failures: unknown[] = []
  #peak = 0
  #total = 0

  /** Use `startInstituteServer`; this one does not listen yet. */
  constructor(options: InstituteServerOptions) {
    this.address = options.address ?? '127.0.0.1'
    this.#port = options.port ?? 0
    this.#settings = settingsOf(options)
    this.#script = scriptOf(options)
    this.#secureContext = options.tls === undefined ? null : createServerContext(options.tls)
    this.#maxRecordCount = options.maxRecordCount ?? 10_000
    this.#onMail = options.onMail ?? (() => undefined)
  }

  /** The port, which stays the same over `pause` and `resume`. */
  get port(): number {
    return this.#port
  }

  /** Accepted mails, oldest first. */
  get mails(): readonly ReceivedMail[] {
    return this.#mails
  }

  /** Mails refused after their content was received, by filter or by script. */
  get refusedMails(): readonly RefusedMail[] {
    return this.#refused
  }

  /** Also the closed ones, oldest first. */
  get connections(): readonly ConnectionRecord[] {
    return this.#connections
  }

  /** Why sessions broke: failed TLS handshakes, endless lines, and what `filter` or `onMail` threw. */
  get failures(): readonly unknown[] {
    return this.#failures
  }

  /** Refused connections (421 banner) count. `clear` sets `total` to 0 and `peak` to `current`. */
  get counts(): ConnectionCounts {
    return { current: this.#sessions.size, peak: this.#peak, total: this.#total }
  }

  /** The texts of all commands of all remembered connections, in order of their connections. */
  get commandTexts(): readonly string[] {
    return this.#connections.flatMap(({ commands }) => commands.map(({ text }) => text))
  }

  setMailboxes(mailboxes: readonly string[] | 'all'): void {
    this.setScript({ mailboxes })
  }

  /** Replaces the parts given; running sessions follow at once. Lists of replies start again. */
  setScript(changes: Partial<InstituteScript>): void {
    this.#script = { ...this.#script, ...changes }
    if (changes.replies !== undefined) this.#replyUses.clear()
  }

  /** Forgets mails, connections and failures. */
  clear(): void {
    this.#mails = []
    this.#refused = []
    this.#connections = []
    this.#failures = []
    this.#peak = this.#sessions.size
    this.#total = 0
  }

  /** Resolves as soon as that many mails have been accepted. Rejects after the deadline. */
  async waitForMails(count: number, deadlineMs = 20_000): Promise<readonly ReceivedMail[]> {
    const giveUpAt = performance.now() + deadlineMs
    while (this.#mails.length < count) {
      if (performance.now() > giveUpAt) {
        throw new Error(`${this.#mails.length} of ${count} mails arrived in ${deadlineMs} ms`)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return this.#mails
  }

  /**
   * Closes the port: whoever connects is refused. Open connections are cut (`drop`, the default), as
   * when the machine goes down, or stay (`keep`). Resolves when the port is closed.
   */
  async pause(connections: 'drop' | 'keep' = 'drop'): Promise<void> {
    this.#listener?.close()
    this.#listener = null
    if (connections === 'drop') await this.#dropSessions()
  }

  /** Listens again on the same port. */
  async resume(): Promise<void> {
    if (this.#listener !== null || this.#isClosed) return
    // Half-open: a client that says QUIT and shuts its side still gets its replies.
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#onConnection(socket)
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    listener.once('error', reject)
    listener.listen({ port: this.#port, host: this.address, backlog: listenBacklog }, resolve)
    await promise
    listener.off('error', reject)
    this.#listener = listener
    this.#port = (listener.address() as AddressInfo).port
  }

  /** Ends everything, open connections included. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.pause('drop')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #dropSessions(): Promise<void> {
    const running = [...this.#sessions]
    for (const [session] of running) session.destroy()
    await Promise.all(running.map(([, done]) => done))
  }

  #onConnection(socket: Socket): void {
    // Every failure of the socket ends the session's reading; an error without listener ends the process.
    socket.on('error', () => undefined)
    this.#total += 1
    const record = openRecord(this.#total, socket.remoteAddress ?? '')
    remember(this.#connections, record, this.#maxRecordCount)
    const isTooMany = this.#sessions.size >= this.#settings.limits.connections
    const session = new InstituteSession(socket, this.#hostOf(), record)
    const done = session.run(isTooMany).then(() => {
      record.closedAtMs = nowMs()
      this.#sessions.delete(session)
    })
    this.#sessions.set(session, done)
    this.#peak = Math.max(this.#peak, this.#sessions.size)
  }

  #hostOf(): SessionHost {
    return {
      settings: this.#settings,
      secureContext: this.#secureContext,
      script: () => this.#script,
      scriptedReply: (recipient) => this.#scriptedReply(recipient),
      takeMail: (mail) => {
        remember(this.#mails, mail, this.#maxRecordCount)
        this.#onMail(mail)
      },
      noteFailure: (error) => remember(this.#failures, error, this.#maxRecordCount),
      refuseMail: (mail, reply) => {
        remember(this.#refused, { ...mail, reply }, this.#maxRecordCount)
      },
    }
  }

  #scriptedReply(recipient: string): string | undefined {
    const key = recipient.toLowerCase()
    const found = Object.entries(this.#script.replies).find(([name]) => name.toLowerCase() === key)
    if (found === undefined) return undefined
    const replies = typeof found[1] === 'string' ? [found[1]] : found[1]
    const uses = this.#replyUses.get(key) ?? 0
    this.#replyUses.set(key, uses + 1)
    return replies[Math.min(uses, replies.length - 1)]
  }
}

function remember<Item>(list: Item[], item: Item, maxCount: number): void {
  list.push(item)
  if (list.length > maxCount) list.shift()
}
