// A process that has just begun is slow: V8 has compiled nothing yet, and the first thousands of mails cost
// twice the time of later ones. So it rehearses: it sends mails to itself, through the very code of the
// relay, in a small relay of its own that serves one domain nobody can have, with its own institute's server
// behind it. None of it is logged, counted or kept, and it gives way to real sessions.

import { mkdir, rm } from 'node:fs/promises'
import { systemClock } from '#base/clock.ts'
import type { Config } from '#config/config.ts'
import { MemoryLedgerBook } from '#intake/intake.ts'
import { createClientTls, type ClientTls } from '#net/client-tls.ts'
import { createServedDomain } from '#registry/served-domain.ts'
import { openTelemetry, type Telemetry } from '#telemetry/telemetry.ts'
import { openFront } from '#app/front.ts'
import { openToolbox } from '#app/toolbox.ts'
import { rehearsalConfig } from './rehearsal-config.ts'
import { sendRehearsalMail } from './rehearsal-client.ts'
import { openRehearsalServer } from './rehearsal-server.ts'
import { openRehearsalSpool } from './rehearsal-spool.ts'

export interface RehearsalOptions {
  /** Of the real relay: the rehearsed one differs where it would reach beyond this process. */
  readonly config: Config
  /** Made for it, and removed with all that is in it. */
  readonly folder: string
  /** The process reaches the spool, or is reached for it, over a link. */
  readonly isLinked: boolean
  /** Real sessions are open: the next mails wait. */
  readonly isBusy: () => boolean
  /** Ends it early. */
  readonly signal: AbortSignal
}

/** RFC 6761 §6.4: no name below `invalid` exists. */
const domain = 'rehearsal.invalid'
const sessionCount = 8
/** Real sessions have begun: they do what is left to do. */
const busyPauseMs = 100
const maxBusyPauseCount = 50
/** Of the whole rehearsal, on a machine that is slow or busy otherwise. */
const budgetMs = 30_000

/** Gives the number of mails. Rejects with what failed; nothing stays open or on the disk in any case. */
export async function rehearse(options: RehearsalOptions): Promise<number> {
  const { mailCount } = options.config.rehearsal
  await using stage = await openStage(options)
  const endMs = systemClock.monotonicMs() + budgetMs
  let begunCount = 0
  let doneCount = 0
  let pauseCount = 0
  const mayGoOn = (): boolean =>
    begunCount < mailCount &&
    pauseCount < maxBusyPauseCount &&
    !options.signal.aborted &&
    systemClock.monotonicMs() < endMs
  const perform = async (): Promise<void> => {
    while (mayGoOn()) {
      if (options.isBusy()) {
        pauseCount += 1
        await pause(busyPauseMs)
        continue
      }
      const number = begunCount++
      await sendRehearsalMail({ ...stage, domain, number, signal: options.signal })
      doneCount += 1
    }
  }
  await Promise.all(Array.from({ length: sessionCount }, perform))
  return doneCount
}

interface Stage extends AsyncDisposable {
  readonly port: number
  readonly clientTls: ClientTls | null
}

async function openStage(options: RehearsalOptions): Promise<Stage> {
  await using stack = new AsyncDisposableStack()
  const { folder } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const server = stack.adopt(await openRehearsalServer(), (opened) => opened.close())
  const telemetry = stack.adopt(silentTelemetry(options.config), (opened) => opened.close(0))
  const config = rehearsalConfig(options.config, folder)
  const toolbox = stack.use(await openToolbox(config, telemetry.emit))
  const served = createServedDomain(
    { domain, to: [`127.0.0.1:${server.port}`], tls: 'none' },
    systemClock.now(),
  )
  if (!served.ok) throw new Error(served.problem.text)
  toolbox.registry.put(served.value)
  const { spool } = stack.use(await openRehearsalSpool(config, telemetry, options.isLinked))
  const front = stack.adopt(
    await openFront({
      config: () => config,
      toolbox,
      spool,
      book: new MemoryLedgerBook(systemClock.now),
      telemetry,
      emit: telemetry.emit,
      contentFolder: folder,
      share: { index: 0, count: 1 },
      otherSessionCount: () => 0,
      ports: [{ address: '127.0.0.1', port: 0 }],
    }),
    (opened) => opened.close(),
  )
  const port = front.listeners[0]?.address.port
  if (port === undefined) throw new Error('no port to rehearse at')
  const opened = stack.move()
  const clientTls = config.tls.certificates.length > 0 ? createClientTls([]) : null
  return { port, clientTls, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** The same work as for the log of the relay, down to the system call. */
function silentTelemetry({ log }: Config): Telemetry {
  return openTelemetry({
    log: { format: log.format, target: { kind: 'file', path: '/dev/null' } },
    clock: systemClock,
    isTerminal: false,
    note: () => undefined,
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
