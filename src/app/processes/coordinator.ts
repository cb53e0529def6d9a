// The coordinator: what the workers share. It has the spool and delivers from it, keeps the ledger, asks
// targets that are down whether they are back, tells all of them, and shows the metrics of all.

import path from 'node:path'
import { systemClock } from '#base/clock.ts'
import type { Alert } from '#alert/alert.ts'
import type { Config } from '#config/config.ts'
import { MemoryLedgerBook } from '#intake/intake.ts'
import type { ClientCount } from '#greeting/greeting.ts'
import type { LinkHandlers, LinkPeer } from '#link/link.ts'
import { serveLink, type LinkServer } from '#link/serve-link.ts'
import type { NextHops, TargetNews } from '#nexthop/nexthop.ts'
import { incomingFolder } from '#spool/open-spool.ts'
import type { Spool } from '#spool/spool.ts'
import type { Health, Telemetry } from '#telemetry/telemetry.ts'
import { openBack, openSpoolOf, type Back } from '#app/back.ts'
import { CommandError } from '#app/command.ts'
import type { SeenLate } from '#app/late-refusals/open-late-refusals.ts'
import { openMetrics } from '#app/open-metrics.ts'
import { beginRehearsal } from '#app/rehearsal/begin-rehearsal.ts'
import { startCatcher } from '#app/start-catcher.ts'
import { openToolbox } from '#app/toolbox.ts'
import { Wires } from '#app/wires.ts'
import { calls, fromJson, message, news, nothing, targetEvent, toJson } from './calls.ts'
import { serveCommits, type CommitService } from './serve-commits.ts'
import { removeContentOf, removeLeftOver } from './left-over.ts'
import type { Parent } from './parent.ts'
import { StatusCounter } from './process-status.ts'
import { relayStatus, spoolStatus, targetsOf } from './relay-status.ts'
import type { ProcessReport, RelayStatus } from './relay-status.ts'
import { SharedClients } from './serve-clients.ts'
import { serveLedger, type LedgerService } from './serve-ledger.ts'
import { Loans } from './loans.ts'
import { askedOfLoans, loansOf, toldOfLoans } from './serve-loans.ts'
import { serveSessionCounts, type SessionCounts } from './serve-session-counts.ts'
import { coordinatorConfig, coordinatorShare, linkPath } from './shares.ts'
import { WholeExposition } from './whole-exposition.ts'

/** A process that does not answer in this time is left out. */
const answerMs = 1000
/** A commit under way at the end has this long. */
const closeGraceMs = 2000
/** Without a supervisor nobody else sees to it that workers find the coordinator until their end. */
const aloneGraceMs = 5000
/** How often entries of the ledger are looked at for their age. */
const ledgerLookMs = 60_000

/** Runs until the supervisor wants it to end, and has finished then. */
export async function runCoordinator(options: {
  readonly parent: Parent
  readonly telemetry: Telemetry
}): Promise<void> {
  const { parent, telemetry } = options
  const config = coordinatorConfig(parent.begin.config)
  await using stack = new AsyncDisposableStack()
  const expositions = new WholeExposition(telemetry, parent.begin.counters)
  stack.defer(async () => await parent.keepCounters(expositions.kept()))
  const wires = new Wires(telemetry)
  const spool = stack.adopt(await openSpoolOf(config, telemetry), (opened) => opened.close())
  await removeLeftOver(incomingFolder(config.spool.folder))
  const loans = new Loans({
    onWanted: (wanted) => {
      if (wanted.by !== 'coordinator') nextHops.makeRoom(wanted.routeId, wanted.isTurn)
      for (const peer of server.peers()) {
        if (peer.name !== wanted.by) peer.tell(news.connectionWanted, toJson(wanted))
      }
    },
  })
  stack.defer(() => loans.close())
  const toolbox = stack.use(
    await openToolbox(config, wires.emit, {
      share: {
        of: (connectionCount) => coordinatorShare(connectionCount, config.workers),
        lender: loansOf(loans, 'coordinator'),
      },
    }),
  )
  const { nextHops } = toolbox
  const ledger = serveLedger(new MemoryLedgerBook(systemClock.now), (isEmpty) =>
    server.tellAll(news.ledgerEmpty, isEmpty),
  )
  // Serves until delivery has ended: to workers the coordinator is away for a moment only.
  const parts: Parts = {
    config,
    spool,
    commits: serveCommits(spool),
    nextHops,
    loans,
    ledger,
    sessionCounts: serveSessionCounts(),
    clients: new SharedClients(),
    telemetry,
    expositions,
    back: () => back,
  }
  const server: LinkServer = await serve(parts)
  stack.defer(async () => await server.close(closeGraceMs))
  const back = stack.use(openBack({ config: () => config, toolbox, spool, telemetry }))
  wires.connect({
    onTargetDown: (routeId) => tellTarget(server, nextHops, routeId, true),
    onTargetUp: (routeId) => {
      back.delivery.targetIsUp(routeId)
      tellTarget(server, nextHops, routeId, false)
    },
    onHeld: back.alerts.raise,
    onLateRefusal: back.lateRefusals.take,
  })
  const ledgerTimer = setInterval(ledger.look, ledgerLookMs)
  stack.defer(() => clearInterval(ledgerTimer))
  const health: { current: Health } = { current: { kind: 'ok' } }
  const metrics = await openMetrics(config, telemetry, {
    exposition: async () => await expositions.text(server),
    health: () => health.current,
  })
  if (metrics !== null) stack.defer(() => metrics.close())
  const catcher = await startCatcher(config, telemetry)
  if (catcher !== null) stack.use(catcher)
  parent.take({
    reopen: () => void back.recover(),
    draining: () => {
      void back.rechecks.close()
      health.current = { kind: 'unavailable', reason: 'draining' }
      telemetry.emit({ kind: 'draining', sessionCount: 0 })
    },
  })
  parent.ready()
  const rehearsal = beginRehearsal({
    config,
    folder: path.join(incomingFolder(config.spool.folder), 'rehearsal'),
    isLinked: true,
    isBusy: hasChanged(parts.commits.count),
    telemetry,
  })
  stack.defer(() => rehearsal.end())
  const reason = await parent.stopped
  if (reason === 'alone') {
    await untilAlone(server, config.limits.drainTimeoutMs + aloneGraceMs)
  }
}

/** Whether it gives something else than the last time. */
function hasChanged(count: () => number): () => boolean {
  let last = count()
  return () => {
    const before = last
    last = count()
    return last !== before
  }
}

interface Parts {
  readonly config: Config
  readonly spool: Spool
  readonly commits: CommitService
  readonly nextHops: NextHops
  readonly loans: Loans
  readonly ledger: LedgerService
  readonly sessionCounts: SessionCounts
  readonly clients: SharedClients
  readonly telemetry: Telemetry
  readonly expositions: WholeExposition
  readonly back: () => Back
}

async function serve(parts: Parts): Promise<LinkServer> {
  const { config, nextHops, loans, ledger, sessionCounts, clients } = parts
  try {
    const server: LinkServer = await serveLink({
      path: linkPath(config),
      name: 'coordinator',
      handlers: handlersOf(parts, () => server),
      onPeer: (peer) => {
        greet(peer, nextHops)
        peer.tell(news.ledgerEmpty, ledger.isEmpty())
        sessionCounts.onPeer(peer)
      },
      onGone: (peer) => {
        ledger.onGone(peer)
        loans.gone(peer.name)
        sessionCounts.onGone(peer)
        clients.gone(peer, server.peers())
      },
    })
    return server
  } catch (error) {
    throw new CommandError(`cannot open the link between the processes: ${String(error)}`)
  }
}

function handlersOf(parts: Parts, server: () => LinkServer): LinkHandlers {
  const { config, nextHops, loans, ledger, clients, telemetry, expositions, back } = parts
  const counter = new StatusCounter()
  return {
    asked: {
      ...ledger.asked,
      ...askedOfLoans(loans),
      [calls.commit]: parts.commits.asked,
      [calls.status]: async () => message(await status(parts, server(), counter)),
    },
    told: {
      ...ledger.told,
      ...toldOfLoans(loans),
      ...parts.sessionCounts.told,
      [news.target]: (value, from) => {
        const told = fromJson<TargetNews>(value)
        nextHops.hear(told)
        telemetry.count(targetEvent(told))
        if (!told.isDown) back().delivery.targetIsUp(told.route.id)
        for (const peer of server().peers()) if (peer !== from) peer.tell(news.target, value)
      },
      [news.clients]: (value, from) =>
        clients.heard(fromJson<readonly ClientCount[]>(value), from, server().peers()),
      [news.guesses]: (value, from) => {
        for (const peer of server().peers()) if (peer !== from) peer.tell(news.guesses, value)
      },
      [news.held]: (value) => back().alerts.raise(fromJson<Alert>(value)),
      [news.lateRefusal]: (value) => back().lateRefusals.take(fromJson<SeenLate>(value)),
      [news.farewell]: (value, from) => expositions.seen(from.name, fromJson<string>(value)),
      [news.gone]: (value) => {
        const name = fromJson<string>(value)
        expositions.gone(name)
        void removeContentOf(incomingFolder(config.spool.folder), name)
      },
    },
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

async function status(
  { spool, nextHops, back }: Parts,
  server: LinkServer,
  counter: StatusCounter,
): Promise<RelayStatus> {
  const own = { process: counter.status('coordinator', 0), targets: targetsOf(nextHops) }
  const others = await Promise.all(
    server.peers().map(async (peer) => {
      if (peer.name === 'command') return []
      const answer = await peer.ask(calls.status, nothing, answerMs).catch(() => null)
      return answer === null ? [] : [fromJson<ProcessReport>(answer.value)]
    }),
  )
  return relayStatus([own, ...others.flat().toSorted(byName)], {
    spool: await spoolStatus(spool),
    rechecks: await back().rechecks.status(),
    lateRefusals: back().lateRefusals.status(),
  })
}

function byName({ process: one }: ProcessReport, { process: other }: ProcessReport): number {
  return one.name.localeCompare(other.name, 'en', { numeric: true }) || one.pid - other.pid
}

async function untilAlone(server: LinkServer, timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (server.peers().length > 0 && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
