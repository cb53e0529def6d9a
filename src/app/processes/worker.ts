// A worker: sessions and hand-over. What it shares with the others the coordinator keeps; without the
// coordinator it goes on handing mail over.

import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Config } from '#config/config.ts'
import type { GuessCount } from '#intake/intake.ts'
import { connectLink, type LinkClient } from '#link/connect-link.ts'
import type { TargetNews } from '#nexthop/nexthop.ts'
import { FreeSpaceWatch } from '#spool/free-space.ts'
import { incomingFolder } from '#spool/open-spool.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import { openFront, type Front } from '#app/front.ts'
import { bounded } from '#app/late-refusals/open-late-refusals.ts'
import { beginRehearsal } from '#app/rehearsal/begin-rehearsal.ts'
import { openToolbox } from '#app/toolbox.ts'
import type { ClientCount } from '#greeting/greeting.ts'
import { Wires } from '#app/wires.ts'
import { calls, fromJson, message, news, targetEvent, toJson, workerName } from './calls.ts'
import { firstDescriptor, type Parent } from './parent.ts'
import { StatusCounter } from './process-status.ts'
import { targetsOf, type ProcessReport } from './relay-status.ts'
import type { Wanted } from './loans.ts'
import { RemoteLoans } from './remote-loans.ts'
import { RemoteLedgerBook } from './remote-ledger-book.ts'
import { RemoteSessionCount } from './remote-session-count.ts'
import { remoteSpool } from './remote-spool.ts'
import { linkPath, workerConfig, workerShare } from './shares.ts'

const freeSpaceIntervalMs = 1000
/** How often workers tell which clients keep them busy: what a limit may be exceeded by is one of these. */
const clientsMs = 1000
const tellGuessesEveryMs = 1000

/** Runs until the supervisor or `signal` wants it to end, and has finished then. */
export async function runWorker(options: {
  readonly parent: Parent
  readonly telemetry: Telemetry
  readonly signal: AbortSignal
}): Promise<void> {
  const { parent, telemetry } = options
  const { index, count, ports } = parent.begin
  const name = workerName(index, process.pid)
  const config = workerConfig(parent.begin.config, count)
  await using stack = new AsyncDisposableStack()
  const wires = new Wires(telemetry)
  const counter = new StatusCounter()
  const opened: { front: Front | null } = { front: null }
  const shared = connectShared(
    config,
    telemetry,
    {
      name,
      count,
      onSessions: () => opened.front?.look(),
      onGuesses: (counts) => opened.front?.guesses.heard(counts),
    },
    () => ({
      process: counter.status(`worker-${index + 1}`, front.sessionCount()),
      targets: targetsOf(toolbox.nextHops),
    }),
  )
  stack.defer(() => {
    shared.sessions.close()
    shared.link.close()
  })
  const toolbox = stack.use(
    await openToolbox(config, wires.emit, {
      isRecoveryAsker: () => !shared.link.isUp(),
      share: {
        of: (connectionCount) => workerShare(connectionCount, count),
        lender: shared.loans,
      },
    }),
  )
  const freeSpace = stack.use(watchFreeSpace(config))
  const contentFolder = path.join(incomingFolder(config.spool.folder), name)
  await mkdir(contentFolder, { recursive: true, mode: 0o700 })
  stack.defer(() => rm(contentFolder, { recursive: true, force: true }))
  const front = stack.adopt(
    await openFront({
      config: () => config,
      toolbox,
      spool: remoteSpool(shared.link, (bytes) => freeSpace.hasRoomFor(bytes)),
      book: shared.book,
      telemetry,
      emit: (event) => {
        counter.count(event)
        wires.emit(event)
      },
      contentFolder,
      share: { index, count },
      otherSessionCount: () => shared.sessions.others(),
      ports: ports.map((port, at) => ({
        ...config.listen[at],
        ...port,
        descriptor: firstDescriptor + at,
      })),
      ticketKeys: Buffer.from(parent.begin.ticketKeys, 'base64'),
    }),
    (opening) => opening.close(),
  )
  opened.front = front
  shared.sessions.start(front.sessionCount)
  const guessTimer = setInterval(() => tellGuesses(front, shared.link), tellGuessesEveryMs)
  stack.defer(() => clearInterval(guessTimer))
  shareTargets(shared, toolbox, wires)
  const clientsTimer = shareClients(shared, front, count)
  stack.defer(() => clearInterval(clientsTimer))
  parent.take({
    ticketKeys: (keys) => front.serverTls.useTicketKeys(keys),
    reopen: () => {
      front.greeting.reload()
      void front.reloadTls()
      front.reloadRules()
    },
  })
  parent.ready()
  const rehearsal = beginRehearsal({
    config,
    folder: path.join(contentFolder, 'rehearsal'),
    isLinked: true,
    isBusy: () => front.sessionCount() > 0,
    telemetry,
  })
  stack.defer(() => rehearsal.end())
  const reason = await Promise.race([parent.stopped, untilAborted(options.signal)])
  await front.drain({ isReplaced: reason === 'replaced' })
  shared.link.tell(news.farewell, telemetry.metrics.exposition())
}

interface Shared {
  readonly link: LinkClient
  readonly book: RemoteLedgerBook
  readonly sessions: RemoteSessionCount
  readonly loans: RemoteLoans
  /** Takes what is told of connections that somebody waits for. */
  readonly onWanted: { take: (wanted: Wanted) => void }
  /** Takes what the coordinator tells of targets. */
  readonly onTarget: { take: (told: TargetNews) => void }
  readonly onUp: { tellAll: () => void }
  /** Takes what the coordinator tells of clients; nothing while it is away. */
  readonly onClients: { take: (others: readonly ClientCount[]) => void }
}

function connectShared(
  config: Config,
  telemetry: Telemetry,
  worker: {
    readonly name: string
    readonly count: number
    readonly onSessions: () => void
    readonly onGuesses: (counts: readonly GuessCount[]) => void
  },
  status: () => ProcessReport,
): Shared {
  const onTarget = { take: (_told: TargetNews): void => undefined }
  const onWanted = { take: (_wanted: Wanted): void => undefined }
  const onUp = { tellAll: (): void => undefined }
  const onClients = { take: (_others: readonly ClientCount[]): void => undefined }
  const book: { ledger: RemoteLedgerBook | null } = { ledger: null }
  const link = connectLink({
    path: linkPath(config),
    name: worker.name,
    handlers: {
      asked: {
        [calls.metrics]: async () => message(telemetry.metrics.exposition()),
        [calls.status]: async () => message(status()),
      },
      told: {
        [news.target]: (value) => {
          const told = fromJson<TargetNews>(value)
          onTarget.take(told)
          telemetry.count(targetEvent(told))
        },
        [news.clients]: (value) => onClients.take(fromJson<readonly ClientCount[]>(value)),
        [news.ledgerEmpty]: (value) => book.ledger?.heard(value === true),
        [news.guesses]: (value) => worker.onGuesses(fromJson<readonly GuessCount[]>(value)),
        [news.connectionWanted]: (value) => onWanted.take(fromJson<Wanted>(value)),
        [news.sessionsElsewhere]: (value) => sessions.heard(fromJson<number>(value)),
      },
    },
    onUp: () => {
      sessions.up()
      loans.up()
      onUp.tellAll()
    },
    onDown: () => {
      sessions.down()
      book.ledger?.heard(true)
      onClients.take([])
    },
  })
  const sessions = new RemoteSessionCount({
    link,
    maxSessionCount: config.limits.maxSessionCount,
    workerCount: worker.count,
    onChanged: worker.onSessions,
  })
  const loans = new RemoteLoans(link)
  const ledger = new RemoteLedgerBook(link)
  book.ledger = ledger
  return { link, book: ledger, sessions, loans, onWanted, onTarget, onUp, onClients }
}

/** A client may have its connections with several workers. */
function shareClients(
  { link, onClients }: Shared,
  { greeting }: Front,
  workerCount: number,
): NodeJS.Timeout {
  onClients.take = (others) => greeting.hear(others)
  let wasBusy = false
  return setInterval(() => {
    const busy = workerCount > 1 ? greeting.busyClients(workerCount) : []
    if (busy.length > 0 || wasBusy) link.tell(news.clients, toJson(busy))
    wasBusy = busy.length > 0
  }, clientsMs)
}

/** Without the coordinator each worker counts for itself. */
function tellGuesses({ guesses }: Front, link: LinkClient): void {
  const counts = guesses.takeNews()
  if (counts.length > 0) link.tell(news.guesses, toJson(counts))
}

/** One worker's finding is all workers' finding. */
function shareTargets(
  { link, onTarget, onUp, onWanted }: Shared,
  { nextHops }: Awaited<ReturnType<typeof openToolbox>>,
  wires: Wires,
): void {
  const tell = (routeId: string, isDown: boolean): void => {
    const state = nextHops.states().find(({ route }) => route.id === routeId)
    if (state === undefined) return
    const told: TargetNews = { route: state.route, isDown, cause: state.lastFailure }
    link.tell(news.target, toJson(told))
  }
  onTarget.take = (told) => nextHops.hear(told)
  onWanted.take = ({ routeId, isTurn }) => nextHops.makeRoom(routeId, isTurn)
  onUp.tellAll = () => {
    for (const { route, breaker } of nextHops.states()) {
      if (breaker === 'open') tell(route.id, true)
    }
  }
  wires.connect({
    onTargetDown: (routeId) => tell(routeId, true),
    onTargetUp: (routeId) => tell(routeId, false),
    onHeld: (alert) => link.tell(news.held, toJson(alert)),
    onLateRefusal: (seen) => link.tell(news.lateRefusal, toJson(bounded(seen))),
  })
}

/** The coordinator tells people when there is no room; a worker only has to know. */
function watchFreeSpace({ spool }: Config): FreeSpaceWatch {
  const watch = new FreeSpaceWatch({
    ...spool,
    intervalMs: freeSpaceIntervalMs,
    onChanged: () => undefined,
  })
  void watch.look()
  return watch
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
