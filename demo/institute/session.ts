// One connection to the embedded institute server: the dialog of RFC 5321, well behaved.

import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { DeadlineError } from './byte-reader.ts'
import { ContentReceiver, type ReceivedContent } from './content-receiver.ts'
import { isAsciiText, parseMail, parseRcpt, type PathCommand } from './envelope.ts'
import type { InstituteScript, InstituteSettings, InstituteStage } from './options.ts'
import { noteCommand, nowMs, type ConnectionRecord, type ReceivedMail } from './records.ts'
import { SessionWire } from './session-wire.ts'

/** What a session needs of the server it belongs to. */
export interface SessionHost {
  readonly settings: InstituteSettings
  readonly secureContext: SecureContext | null
  /** As of now: it can change during a session. */
  readonly script: () => InstituteScript
  /** The scripted reply to this recipient, if there is one. */
  readonly scriptedReply: (recipient: string) => string | undefined
  readonly takeMail: (mail: ReceivedMail) => void
  readonly refuseMail: (mail: ReceivedMail, reply: string) => void
  readonly noteFailure: (error: unknown) => void
}

interface Envelope {
  readonly path: PathCommand
  readonly recipients: string[]
}

const maxErrorTextLength = 60

export class InstituteSession {
  readonly #host: SessionHost
  readonly #record: ConnectionRecord
  readonly #wire: SessionWire
  #isOpen = true
  #greetingName: string | null = null
  #envelope: Envelope | null = null
  #mailCount = 0

  readonly #handlers: Readonly<Record<string, (line: string) => void | Promise<void>>> = {
    EHLO: (line) => this.#onGreeting(line, true),
    HELO: (line) => this.#onGreeting(line, false),
    MAIL: (line) => this.#onMail(line),
    RCPT: (line) => this.#onRcpt(line),
    DATA: () => this.#onData(),
    STARTTLS: () => this.#onStartTls(),
    RSET: () => {
      this.#envelope = null
      this.#reply(250, '2.0.0', 'Ok')
    },
    NOOP: () => this.#reply(250, '2.0.0', 'Ok'),
    VRFY: () => this.#reply(252, '2.5.0', 'Send mail and see'),
    HELP: () => this.#reply(214, '2.0.0', 'See RFC 5321'),
    QUIT: () => {
      this.#reply(221, '2.0.0', 'Bye')
      this.#isOpen = false
    },
  }

  constructor(socket: Socket, host: SessionHost, record: ConnectionRecord) {
    this.#host = host
    this.#record = record
    this.#wire = new SessionWire(socket, host.settings.limits.idleMs)
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#isOpen = false
    this.#wire.destroy()
  }

  /** Resolves when the dialog is over and the connection closed. Never rejects. */
  async run(isTooMany: boolean): Promise<void> {
    try {
      await this.#onConnect(isTooMany)
      while (this.#isOpen) await this.#onCommand()
    } catch (error) {
      if (error instanceof DeadlineError) this.#send('421 4.4.2 Idle for too long')
      else if (!this.#wire.isCut) this.#host.noteFailure(error)
    }
    await this.#wire.end()
  }

  async #onConnect(isTooMany: boolean): Promise<void> {
    await this.#pause('banner')
    const usual = `220 ${this.#host.settings.name} ESMTP ready`
    const scripted = this.#host.script().stageReplies.banner
    this.#send(isTooMany ? '421 4.7.0 Too many connections' : (scripted ?? usual))
    if (isTooMany || scripted?.startsWith('220') === false) this.#isOpen = false
  }

  async #onCommand(): Promise<void> {
    const received = await this.#wire.line()
    if (received === null) {
      this.#isOpen = false
      return
    }
    const { text: line, isPipelined } = received
    noteCommand(this.#record, line, isPipelined)
    const handler = this.#handlers[line.split(' ', 1)[0]?.toUpperCase() ?? '']
    if (handler === undefined) {
      this.#reply(502, '5.5.2', `Not implemented: ${line.slice(0, maxErrorTextLength)}`)
      return
    }
    await handler(line)
  }

  async #onGreeting(line: string, isExtended: boolean): Promise<void> {
    await this.#pause('ehlo')
    const name = line.slice(4).trim()
    if (name === '') return this.#reply(501, '5.5.4', 'A name is missing')
    if (this.#sendScripted('ehlo')) return
    this.#envelope = null
    this.#greetingName = name
    const lines = isExtended ? this.#extensionLines() : [this.#host.settings.name]
    const last = lines.length - 1
    this.#send(lines.map((text, index) => `250${index === last ? ' ' : '-'}${text}`).join('\n'))
  }

  #extensionLines(): string[] {
    const { name, extensions } = this.#host.settings
    const lines = [name]
    if (extensions.pipelining) lines.push('PIPELINING')
    if (extensions.sizeBytes === 0) lines.push('SIZE')
    else if (extensions.sizeBytes !== null) lines.push(`SIZE ${extensions.sizeBytes}`)
    if (this.#host.secureContext !== null && this.#record.tls === null) lines.push('STARTTLS')
    if (extensions.enhancedStatusCodes) lines.push('ENHANCEDSTATUSCODES')
    if (extensions.eightBitMime) lines.push('8BITMIME')
    if (extensions.smtpUtf8) lines.push('SMTPUTF8')
    return [...lines, ...extensions.others]
  }

  async #onMail(line: string): Promise<void> {
    await this.#pause('mail')
    if (this.#mailCount >= this.#host.settings.limits.mailsPerConnection) {
      return this.#send('421 4.7.0 Too many mails in one connection')
    }
    if (this.#greetingName === null) return this.#reply(503, '5.5.1', 'EHLO first')
    if (this.#envelope !== null) return this.#reply(503, '5.5.1', 'There is a mail already')
    const path = parseMail(line)
    if (path === null) return this.#reply(501, '5.1.7', 'Syntax: MAIL FROM:<address>')
    if (this.#sendScripted('mail')) return
    if (this.#refuseParameters(path)) return
    this.#envelope = { path, recipients: [] }
    this.#reply(250, '2.1.0', 'Ok')
  }

  /** True when the mail cannot be taken with these parameters; the reply is sent. */
  #refuseParameters({ path, parameters }: PathCommand): boolean {
    const { sizeBytes, eightBitMime, smtpUtf8 } = this.#host.settings.extensions
    const known = new Set([
      ...(sizeBytes === null ? [] : ['SIZE']),
      ...(eightBitMime ? ['BODY'] : []),
      ...(smtpUtf8 ? ['SMTPUTF8'] : []),
    ])
    const unknown = parameters.keys().find((keyword) => !known.has(keyword))
    if (unknown !== undefined) this.#reply(555, '5.5.4', `Parameter not offered: ${unknown}`)
    else if (this.#isTooLarge(Number(parameters.get('SIZE') ?? 0))) this.#replyTooLarge()
    else if (!isAsciiText(path) && !parameters.has('SMTPUTF8')) {
      this.#reply(553, '5.6.7', 'The address needs SMTPUTF8')
    } else return false
    return true
  }

  async #onRcpt(line: string): Promise<void> {
    await this.#pause('rcpt')
    const envelope = this.#envelope
    if (envelope === null) return this.#reply(503, '5.5.1', 'MAIL first')
    const path = parseRcpt(line)
    if (path === null) return this.#reply(501, '5.1.3', 'Syntax: RCPT TO:<address>')
    if (envelope.recipients.length >= this.#host.settings.limits.recipients) {
      return this.#reply(452, '4.5.3', 'Too many recipients')
    }
    if (!isAsciiText(path.path) && !envelope.path.parameters.has('SMTPUTF8')) {
      return this.#reply(553, '5.6.7', 'The address needs SMTPUTF8')
    }
    const scripted = this.#host.scriptedReply(path.path)
    if (scripted !== undefined) this.#send(scripted)
    else if (this.#isKnown(path.path)) this.#reply(250, '2.1.5', 'Ok')
    else return this.#send(this.#host.script().unknownReply.replaceAll('<x>', `<${path.path}>`))
    if (scripted === undefined || scripted.startsWith('2')) envelope.recipients.push(path.path)
  }

  #isKnown(recipient: string): boolean {
    const { mailboxes } = this.#host.script()
    if (mailboxes === 'all') return true
    return mailboxes.some((mailbox) => mailbox.toLowerCase() === recipient.toLowerCase())
  }

  async #onData(): Promise<void> {
    await this.#pause('data')
    const envelope = this.#envelope
    if (envelope === null) return this.#reply(503, '5.5.1', 'MAIL first')
    if (envelope.recipients.length === 0) return this.#reply(554, '5.5.1', 'No valid recipients')
    if (this.#sendScripted('data')) return
    this.#send('354 End data with <CR><LF>.<CR><LF>')
    await this.#wire.flush()
    const content = await this.#receiveContent()
    this.#envelope = null
    if (content === null) this.#isOpen = false
    else await this.#onContent(envelope, content)
  }

  async #receiveContent(): Promise<ReceivedContent | null> {
    const { extensions, maxKeptBytes } = this.#host.settings
    // Too large a mail is read to its end, but not kept. Dot-stuffing can add half of the size.
    const bound = 2 * (extensions.sizeBytes ?? 0)
    const receiver = new ContentReceiver(bound === 0 ? maxKeptBytes : Math.min(bound, maxKeptBytes))
    for (;;) {
      const piece = await this.#wire.piece()
      if (piece === null) return null
      const rest = receiver.push(piece)
      if (rest === null) continue
      this.#wire.unread(rest)
      return receiver.finish()
    }
  }

  async #onContent(envelope: Envelope, content: ReceivedContent): Promise<void> {
    const mail: ReceivedMail = {
      ...content,
      connection: this.#record.number,
      greetingName: this.#greetingName ?? '',
      reversePath: envelope.path.path,
      mailParameters: envelope.path.parameterText,
      recipients: envelope.recipients,
      tls: this.#record.tls,
      arrivedAtMs: nowMs(),
    }
    await this.#pause('final')
    if (this.#isTooLarge(content.sizeBytes)) return this.#replyTooLarge()
    const { stageReplies, filter } = this.#host.script()
    const scripted = stageReplies.final ?? (await this.#wire.unlessCut(filter(mail)))
    if (this.#wire.isCut) return
    if (scripted !== undefined && !scripted.startsWith('2')) {
      this.#host.refuseMail(mail, scripted)
      return this.#send(scripted)
    }
    this.#mailCount += 1
    this.#record.mailCount += 1
    this.#host.takeMail(mail)
    if (scripted !== undefined) return this.#send(scripted)
    this.#reply(250, '2.0.0', `Ok: taken as ${this.#record.number}-${this.#mailCount}`)
  }

  async #onStartTls(): Promise<void> {
    const { secureContext } = this.#host
    if (secureContext === null) return this.#reply(502, '5.5.1', 'STARTTLS is not offered')
    if (this.#record.tls !== null) return this.#reply(503, '5.5.1', 'TLS is on already')
    if (this.#wire.unreadBytes > 0) {
      // RFC 3207 §4.2: nothing said in plaintext may count afterwards.
      this.#record.bytesBehindStartTls = this.#wire.unreadBytes
      this.#isOpen = false
      return this.#reply(554, '5.5.1', 'Plaintext behind STARTTLS')
    }
    this.#reply(220, '2.0.0', 'Go ahead')
    this.#record.tls = await this.#wire.upgrade(secureContext)
    this.#greetingName = null
    this.#envelope = null
  }

  #isTooLarge(bytes: number): boolean {
    const { sizeBytes } = this.#host.settings.extensions
    return sizeBytes !== null && sizeBytes > 0 && bytes > sizeBytes
  }

  #replyTooLarge(): void {
    this.#reply(552, '5.3.4', 'The mail is larger than the limit')
  }

  #sendScripted(stage: Exclude<InstituteStage, 'rcpt'>): boolean {
    const scripted = this.#host.script().stageReplies[stage]
    if (scripted !== undefined) this.#send(scripted)
    return scripted !== undefined
  }

  #reply(code: number, status: string, text: string): void {
    const { enhancedStatusCodes } = this.#host.settings.extensions
    this.#send(enhancedStatusCodes ? `${code} ${status} ${text}` : `${code} ${text}`)
  }

  #send(text: string): void {
    this.#wire.send(text)
    if (text.startsWith('421')) this.#isOpen = false
  }

  #pause(stage: InstituteStage): Promise<void> {
    return this.#wire.pause(this.#host.script().delayMs[stage] ?? 0)
  }
}
