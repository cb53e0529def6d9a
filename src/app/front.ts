// The half of the relay that clients see: sessions and the ports they come through. It runs in one process
// with the other half, or in each worker.

import { systemClock } from '#base/clock.ts'
import { createTraceIds } from '#base/trace-id.ts'
import type { Config } from '#config/config.ts'
import { firstAttemptMs } from '#delivery/delivery.ts'
import type { Greeting } from '#greeting/greeting.ts'
import { openGreeting } from '#greeting/open-greeting.ts'
import {
  ContentMemory,
  GuessBook,
  openIntake,
  RelayedLedger,
  type Intake,
  type IntakeOptions,
  type LedgerBook,
} from '#intake/intake.ts'
import { openLoadWatch, type LoadWatch } from '#load/load.ts'
import { openListener, type Listener, type ProxyOptions } from '#net/listener.ts'
import { openServerTls, type ServerTls } from '#net/server-tls.ts'
import type { Spool } from '#spool/spool.ts'
import type { PforteEvent, Telemetry } from '#telemetry/telemetry.ts'
import {
  greetingRules,
  isKnownRecipient,
  postmasterOf,
  sessionLimits,
  strainedLimits,
} from './build.ts'
import { cannotListen } from './cannot-listen.ts'
import { CommandError } from './command.ts'
import { greetingError } from './greeting-error.ts'
import { openMailRules, type MailRulesSource } from './mail-rules.ts'
import { tellSeldom } from './tell-seldom.ts'
import type { Toolbox } from './toolbox.ts'

/** Which of several processes this is. */
export interface Share {
  readonly index: number
  readonly count: number
}

/** A port, and the socket that is bound to it already, if there is one. */
export interface Port {
  readonly address: string
  readonly port: number
  readonly descriptor?: number
  /** Networks of the proxies it is for; absent: clients connect themselves. */
  readonly proxy?: readonly string[]
}

/** As Postfix's smtpd_upstream_proxy_timeout: a proxy has its header ready when it connects. */
const proxyHeaderTimeoutMs = 5000

export interface FrontOptions {
  /** Asked for at each session, so that a reload reaches the next one. */
  readonly config: () => Config
  readonly toolbox: Toolbox
  readonly spool: Pick<Spool, 'commit' | 'hasRoomFor'>
  readonly book: LedgerBook
  readonly telemetry: Telemetry
  readonly emit: (event: PforteEvent) => void
  /** For temporary files, of this process alone. On the file system of the spool. */
  readonly contentFolder: string
  readonly share: Share
  /** Sessions of the other processes of the relay. */
  readonly otherSessionCount: () => number
  readonly ports: readonly Port[]
  /** 48 bytes; absent: made here. */
  readonly ticketKeys?: Buffer
}

export interface Front {
  readonly listeners: readonly Listener[]
  readonly serverTls: ServerTls
  readonly greeting: Greeting
  readonly sessionCount: () => number
  /** The number of sessions of the others has changed. */
  readonly look: () => void
  /** For the other workers. */
  readonly guesses: Pick<GuessBook, 'heard' | 'takeNews'>
  /** Reads the certificates again; those before stay in use, and it is said, when that fails. */
  readonly reloadTls: () => Promise<void>
  /** Reads the exceptions from the mail rules again; as with certificates. */
  readonly reloadRules: () => void
  /**
   * Takes nothing new, and finishes what is in progress. `isReplaced`: another process takes what is new, so
   * there is time to let sessions come to the end of their mail.
   */
  readonly drain: (how: { readonly isReplaced: boolean }) => Promise<void>
  readonly close: () => void
}

const certificatePollMs = 5000
/** Header sections beyond this cannot be searched for loops and forged results. */
const maxHeaderBytes = 256 * 1024

/** Rejects with a CommandError that says what cannot be opened; nothing stays open then. */
export async function openFront(options: FrontOptions): Promise<Front> {
  const { telemetry } = options
  const { resolver } = options.toolbox
  const rules = openMailRules(options.config(), { resolver, emit: telemetry.emit })
  const serverTls = await openTls(options)
  const opened: { intake: Intake | null } = { intake: null }
  const load = openLoadWatch({
    limits: () => options.config().load,
    monotonicMs: systemClock.monotonicMs,
    emit: (event) => {
      telemetry.emit(event)
      opened.intake?.look()
    },
  })
  const guesses = new GuessBook({
    rules: () => options.config().guessing,
    monotonicMs: systemClock.monotonicMs,
    emit: options.emit,
  })
  const built = intakeOptions(options, { serverTls, load, rules, guesses })
  const intake = openIntake(built.current)
  opened.intake = intake
  built.current() // what it opens is open before the first session
  const stack = new DisposableStack()
  stack.defer(() => rules.close())
  stack.defer(() => serverTls.close())
  stack.defer(() => load.close())
  try {
    const greeting = stack.adopt(openGreetingOf(options, intake), (opened) => opened.close())
    const listeners = await openListeners(options, intake, greeting)
    const closeListeners = (): void => {
      for (const listener of listeners) listener.close()
    }
    return {
      listeners,
      serverTls,
      greeting,
      sessionCount: intake.sessionCount,
      look: intake.look,
      guesses,
      reloadTls: async () =>
        await serverTls.reload().catch((error: unknown) => {
          telemetry.emit({ kind: 'certificates-failed', detail: String(error) })
        }),
      reloadRules: () => {
        rules.reload(options.config())
        built.forget()
      },
      drain: async ({ isReplaced }) => {
        closeListeners()
        telemetry.emit({ kind: 'draining', sessionCount: intake.sessionCount() })
        const { drainTimeoutMs } = options.config().limits
        const drained = intake.drain(drainTimeoutMs, isReplaced ? drainTimeoutMs / 2 : 0)
        greeting.handOnAll() // to be told goodbye
        await drained
      },
      close: () => {
        closeListeners()
        stack.dispose()
      },
    }
  } catch (error) {
    stack.dispose()
    throw error
  }
}

function openGreetingOf(options: FrontOptions, intake: Intake): Greeting {
  const { config, toolbox, share, telemetry, emit } = options
  const rules = greetingRules(config)
  try {
    return openGreeting({
      rules,
      maxWaitingCount: () => Math.ceil(config().greeting.maxWaitingCount / share.count),
      hostname: config().hostname,
      resolver: toolbox.resolver,
      deadlines: toolbox.deadlines,
      clock: systemClock,
      folder: config().state,
      next: intake.accept,
      emit: (event) => {
        // A client that floods must not flood the log too.
        if ('isRepeated' in event && event.isRepeated) telemetry.count(event)
        else emit(event)
      },
    })
  } catch (error) {
    throw greetingError(error)
  }
}

/** `forget`: something they are made of has changed besides the configuration. */
function intakeOptions(
  options: FrontOptions,
  opened: Pick<Parts, 'serverTls' | 'load' | 'rules' | 'guesses'>,
): { readonly current: () => IntakeOptions; readonly forget: () => void } {
  const { config: current, share } = options
  const { now } = systemClock
  const parts = {
    ...options,
    ...opened,
    nextTraceId: createTraceIds(now, Math.random, share),
    ledger: new RelayedLedger(options.book),
    contentMemory: new ContentMemory(
      Math.floor(current().limits.maxTotalContentInMemoryBytes / share.count),
    ),
  }
  let built: { readonly config: Config; readonly options: IntakeOptions } | null = null
  return {
    current: () => {
      const config = current()
      if (built?.config !== config) built = { config, options: buildIntakeOptions(config, parts) }
      return built.options
    },
    forget: () => void (built = null),
  }
}

interface Parts extends FrontOptions {
  readonly serverTls: ServerTls
  readonly load: LoadWatch
  readonly rules: MailRulesSource
  readonly guesses: GuessBook
  readonly nextTraceId: () => string
  readonly ledger: RelayedLedger
  readonly contentMemory: ContentMemory
}

function buildIntakeOptions(config: Config, parts: Parts): IntakeOptions {
  const { toolbox, serverTls, emit } = parts
  const { now, monotonicMs } = systemClock
  const limits = sessionLimits(config, serverTls.handshake() !== null)
  return {
    ...limits,
    strained: strainedLimits(config, limits),
    maxSessionCount: config.limits.maxSessionCount,
    otherSessionCount: parts.otherSessionCount,
    strainAtPercent: config.load.strainAtPercent,
    shortage: parts.load.shortage,
    isShort: parts.load.isShort,
    maxStrainedHandshakeCount: config.load.strainedHandshakeCount,
    deadlines: toolbox.deadlines,
    tlsContext: serverTls.handshake,
    monotonicMs,
    emit,
    nextTraceId: parts.nextTraceId,
    desk: {
      recipientJudge: {
        registry: toolbox.registry,
        recipients: toolbox.recipients,
        hostname: config.hostname,
        postmaster: postmasterOf(config),
        maxMessageBytes: config.limits.maxMessageBytes,
        isRoutingAccepted: config.smtp.routedRecipients === 'accept',
      },
      guessing: {
        book: parts.guesses,
        isKnown: isKnownRecipient(toolbox.recipients),
      },
      finish: {
        hostname: config.hostname,
        maxHopCount: config.limits.maxHopCount,
        maxHeaderBytes,
        handoverBudgetMs: config.handover.finalTimeoutMs,
        nextHops: toolbox.nextHops,
        recipients: toolbox.recipients,
        ledger: parts.ledger,
        spool: parts.spool,
        firstAttemptMs: () => firstAttemptMs(config.delivery, now(), Math.random),
        now,
        emit,
      },
      mailRules: parts.rules.current(config),
      contentMemory: parts.contentMemory,
      maxContentInMemoryBytes: config.limits.maxContentInMemoryBytes,
      contentFolder: parts.contentFolder,
      bareNewlines: config.smtp.bareNewlines,
      monotonicMs,
      emit,
    },
  }
}

async function openTls({ config, telemetry, ticketKeys }: FrontOptions): Promise<ServerTls> {
  const { emit } = telemetry
  try {
    return await openServerTls({
      files: config().tls.certificates,
      asksClients: config().tls.clients === 'ask',
      clientCaFile: config().tls.ca,
      pollMs: certificatePollMs,
      ...(ticketKeys !== undefined && { ticketKeys }),
      onReloaded: () => emit({ kind: 'certificates-reloaded' }),
      onFailed: (error) => emit({ kind: 'certificates-failed', detail: String(error) }),
    })
  } catch (error) {
    throw new CommandError(`the certificates cannot be used: ${String(error)}`, 2)
  }
}

async function openListeners(
  { ports, telemetry }: FrontOptions,
  intake: Pick<Intake, 'turnsAway'>,
  greeting: Greeting,
): Promise<readonly Listener[]> {
  const listeners: Listener[] = []
  try {
    for (const port of ports) {
      const listener = await openListener({
        ...port,
        proxy: proxyOptions(port, telemetry),
        onConnection: (connection) => {
          // Before anything is looked up or remembered of the client.
          if (!intake.turnsAway(connection)) greeting.accept(connection)
        },
        onError: tellSeldom(telemetry),
      }).catch((error: unknown) => {
        throw cannotListen(port, error)
      })
      listeners.push(listener)
      telemetry.emit({ kind: 'listening', listener: listener.address, service: 'smtp' })
    }
    return listeners
  } catch (error) {
    for (const listener of listeners) listener.close()
    throw error
  }
}

function proxyOptions({ proxy }: Port, { emit }: Telemetry): ProxyOptions | null {
  if (proxy === undefined) return null
  return {
    trusted: proxy,
    timeoutMs: proxyHeaderTimeoutMs,
    onRefused: (client, refusal) => emit({ kind: 'session-refused', client, ...refusal }),
  }
}
