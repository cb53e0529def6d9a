// The coordinator: what the workers share. It has the spool and delivers from it, keeps the ledger, asks
// targets that are down whether they are back, tells all of them, and shows the metrics of all.

import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { systemClock } from '#base/clock.ts'
import type { Alert } from '#alert/alert.ts'
import type { Config } from '#config/config.ts'
import { MemoryLedgerBook } from '#intake/intake.ts'
import type { LinkHandlers, LinkPeer } from '#link/link.ts'
import { serveLink, type LinkServer } from '#link/serve-link.ts'
import type { NextHops, TargetNews } from '#nexthop/nexthop.ts'
import { incomingFolder } from '#spool/open-spool.ts'
import { SpoolError, type Spool } from '#spool/spool.ts'
import { mergeExpositions } from '#telemetry/merge-expositions.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import { openBack, openSpoolOf, type Back } from '#app/back.ts'
import { CommandError } from '#app/command.ts'
import { openMetrics } from '#app/open-metrics.ts'
import { openToolbox } from '#app/toolbox.ts'
import { Wires } from '#app/wires.ts'
import { calls, fromJson, message, news, nothing, toJson } from './calls.ts'
import type { CommitAnswer, EntryHead, ProcessStatus } from './calls.ts'
import { connectParent } from './parent.ts'
import { StatusCounter } from './process-status.ts'
import { serveLedger, type LedgerService } from './serve-ledger.ts'
import { coordinatorConfig, linkPath } from './shares.ts'

/** A worker that does not answer in this time is left out. */
const workerAnswerMs = 1000

/** Runs until the supervisor wants it to end, and has finished then. */
export async function runCoordinator(options: {
  readonly config: Config
  readonly telemetry: Telemetry
}): Promise<void> {
  const { telemetry } = options
  const parent = await connectParent()
  const config = coordinatorConfig(options.config)
  await using stack = new AsyncDisposableStack()
  const wires = new Wires(telemetry)
  const spool = stack.adopt(await openSpoolOf(config, telemetry), (opened) => opened.close())
  await removeLeftOver(incomingFolder(config.spool.folder))
  const toolbox = stack.use(await openToolbox(config, wires.emit))
  const { nextHops } = toolbox
  const back = stack.use(openBack({ config: () => config, toolbox, spool, telemetry }))
  const book = new MemoryLedgerBook(systemClock.now)
  const tellLedger = (): void => server.tellAll(news.ledgerEmpty, book.isEmpty())
  const ledger = serveLedger(book, tellLedger)
  const shared = { config, spool, nextHops, back, ledger }
  const server: LinkServer = await serve(shared, (peer) => {
    greet(peer, nextHops)
    peer.tell(news.ledgerEmpty, book.isEmpty())
  })
  stack.defer(() => server.close())
  wires.connect({
    onTargetDown: (routeId) => tellTarget(server, nextHops, routeId, true),
    onTargetUp: (routeId) => {
      back.delivery.targetIsUp(routeId)
      tellTarget(server, nextHops, routeId, false)
    },
    onHeld: back.alerts.raise,
  })
  const metrics = await openMetrics(config, telemetry, {
    exposition: async () => await exposition(server, telemetry),
    health: () => ({ kind: 'ok' }),
  })
  if (metrics !== null) stack.defer(() => metrics.close())
  parent.ready()
  await parent.stopped
}

interface SharedParts {
  readonly config: Config
  readonly spool: Spool
  readonly nextHops: NextHops
  readonly back: Back
  readonly ledger: LedgerService
}

async function serve(parts: SharedParts, onPeer: (peer: LinkPeer) => void): Promise<LinkServer> {
  const { config, ledger } = parts
  try {
    const server: LinkServer = await serveLink({
      path: linkPath(config),
      name: 'coordinator',
      handlers: handlersOf(parts, () => server),
      onPeer,
      onGone: (peer) => {
        ledger.onGone(peer)
        if (!peer.name.startsWith('worker-')) return
        const folder = path.join(incomingFolder(config.spool.folder), path.basename(peer.name))
        void rm(folder, { recursive: true, force: true }).catch(() => undefined)
      },
    })
    return server
  } catch (error) {
    throw new CommandError(`cannot open the link between the processes: ${String(error)}`)
  }
}

function handlersOf(parts: SharedParts, server: () => LinkServer): LinkHandlers {
  const { spool, nextHops, back, ledger } = parts
  const counter = new StatusCounter()
  return {
    asked: {
      ...ledger.asked,
      [calls.commit]: async ({ value, bytes }) =>
        message(await commit(spool, fromJson<EntryHead>(value), bytes)),
      [calls.status]: async () => message(await status(parts, server(), counter)),
    },
    told: {
      ...ledger.told,
      [news.target]: (value, from) => {
        const told = fromJson<TargetNews>(value)
        nextHops.hear(told)
        if (!told.isDown) back.delivery.targetIsUp(told.route.id)
        for (const peer of server().peers()) if (peer !== from) peer.tell(news.target, value)
      },
      [news.held]: (value) => back.alerts.raise(fromJson<Alert>(value)),
    },
  }
}

async function commit(spool: Spool, head: EntryHead, bytes: Buffer | null): Promise<CommitAnswer> {
  try {
    const prefix = bytes === null ? [] : [bytes]
    await spool.commit({ ...head, content: { ...head.content, prefix } })
    return { ok: true }
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error
    const { kind, message: text, isUnclear } = error
    return { ok: false, kind, message: text, isUnclear }
  }
}

/** What a worker that has just come has to know. */
function greet(peer: LinkPeer, nextHops: NextHops): void {
  for (const { route, breaker, lastFailure } of nextHops.states()) {
    if (breaker !== 'open') continue
    const told: TargetNews = { route, isDown: true, cause: lastFailure }
    peer.tell(news.target, toJson(told))
  }
}

function tellTarget(
  server: LinkServer,
  nextHops: NextHops,
  routeId: string,
  isDown: boolean,
): void {
  const state = nextHops.states().find(({ route }) => route.id === routeId)
  if (state === undefined) return
  const told: TargetNews = { route: state.route, isDown, cause: state.lastFailure }
  server.tellAll(news.target, toJson(told))
}

async function exposition(server: LinkServer, telemetry: Telemetry): Promise<string> {
  const others = await askAll<string>(server, calls.metrics)
  const own = { process: 'coordinator', text: telemetry.metrics.exposition() }
  return mergeExpositions([
    own,
    ...others.map(({ name, value }) => ({ process: name.replace(/\.\d+$/, ''), text: value })),
  ])
}

/** Of `pforte status`. */
export interface RelayStatus {
  readonly processes: readonly ProcessStatus[]
  readonly targets: readonly {
    readonly route: string
    readonly isDown: boolean
    readonly sinceMs: number
    readonly connectionCount: number
    readonly lastFailure: string | null
  }[]
  readonly spool: {
    readonly state: ReturnType<Spool['state']>
    readonly entryCount: number
    readonly waitingCount: number
    readonly heldCount: number
    readonly sizeBytes: number
  }
}

async function status(
  { spool, nextHops }: SharedParts,
  server: LinkServer,
  counter: StatusCounter,
): Promise<RelayStatus> {
  const workers = await askAll<ProcessStatus>(server, calls.status)
  const stats = await spool.stats().catch(() => null)
  return {
    processes: [counter.status('coordinator', 0), ...workers.map(({ value }) => value)],
    targets: nextHops.states().map((state) => ({
      route: state.route.id,
      isDown: state.breaker === 'open',
      sinceMs: state.sinceMs,
      connectionCount: state.connectionCount,
      lastFailure: state.lastFailure?.detail ?? null,
    })),
    spool: {
      state: spool.state(),
      entryCount: stats?.entryCount ?? 0,
      waitingCount: stats?.waitingCount ?? 0,
      heldCount: stats?.heldCount ?? 0,
      sizeBytes: stats?.sizeBytes ?? 0,
    },
  }
}

async function askAll<Value>(
  server: LinkServer,
  method: string,
): Promise<readonly { readonly name: string; readonly value: Value }[]> {
  const workers = server.peers().filter(({ name }) => name.startsWith('worker-'))
  const answers = await Promise.all(
    workers.map(async (peer) => {
      const answer = await peer.ask(method, nothing, workerAnswerMs).catch(() => null)
      return answer === null ? [] : [{ name: peer.name, value: fromJson<Value>(answer.value) }]
    }),
  )
  return answers.flat()
}

/** Temporary files of workers that are no more. */
async function removeLeftOver(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number(/\.(\d+)$/.exec(name)?.[1] ?? 0)
    if (pid > 0 && isRunning(pid)) continue
    await rm(path.join(folder, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
