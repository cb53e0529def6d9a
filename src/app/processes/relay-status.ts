// What `pforte status` asks for, and how the processes of a relay put it together.

import type { NextHops } from '#nexthop/nexthop.ts'
import type { Spool } from '#spool/spool.ts'
import type { RefusalsStatus } from '#app/late-refusals/refusals-status.ts'
import type { RecheckStatus } from '#app/recheck/recheck-status.ts'

/** Of one process. */
export interface ProcessStatus {
  /** `relay` when it is the only one, else `supervisor`, `coordinator`, `worker-1` and so on. */
  readonly name: string
  readonly pid: number
  readonly uptimeMs: number
  readonly residentBytes: number
  /** CPU time since the start. */
  readonly cpuMs: number
  readonly sessionCount: number
  /** Since the start. */
  readonly mailCount: number
  readonly recipientCount: number
}

/** A route in use, as one process or all of them see it. */
export interface TargetStatus {
  /** Route.id. */
  readonly route: string
  readonly isDown: boolean
  /** Wall time since when it is up or down. */
  readonly sinceMs: number
  readonly connectionCount: number
  /** For people, one line, not cleaned. */
  readonly lastFailure: string | null
}

export interface SpoolStatus {
  readonly state: ReturnType<Spool['state']>
  readonly entryCount: number
  /** Recipients. */
  readonly waitingCount: number
  readonly heldCount: number
  readonly sizeBytes: number
}

/** What one process says of itself. */
export interface ProcessReport {
  readonly process: ProcessStatus
  readonly targets: readonly TargetStatus[]
}

export interface RelayStatus {
  readonly processes: readonly ProcessStatus[]
  readonly targets: readonly TargetStatus[]
  readonly spool: SpoolStatus
  readonly rechecks: RecheckStatus
  readonly lateRefusals: RefusalsStatus
}

export function targetsOf(nextHops: NextHops): readonly TargetStatus[] {
  return nextHops.states().map((state) => ({
    route: state.route.id,
    isDown: state.breaker === 'open',
    sinceMs: state.sinceMs,
    connectionCount: state.connectionCount,
    lastFailure: state.lastFailure?.detail ?? null,
  }))
}

export async function spoolStatus(spool: Spool): Promise<SpoolStatus> {
  const stats = await spool.stats().catch(() => null)
  return {
    state: spool.state(),
    entryCount: stats?.entryCount ?? 0,
    waitingCount: stats?.waitingCount ?? 0,
    heldCount: stats?.heldCount ?? 0,
    sizeBytes: stats?.sizeBytes ?? 0,
  }
}

/** The reports of all, the one whose word counts about targets first. */
export function relayStatus(
  reports: readonly ProcessReport[],
  shared: Omit<RelayStatus, 'processes' | 'targets'>,
): RelayStatus {
  const targets = new Map<string, TargetStatus>()
  for (const target of reports.flatMap((report) => report.targets)) {
    const known = targets.get(target.route)
    targets.set(target.route, known === undefined ? target : joined(known, target))
  }
  return {
    processes: reports.map((report) => report.process),
    targets: [...targets.values()],
    ...shared,
  }
}

function joined(first: TargetStatus, second: TargetStatus): TargetStatus {
  const isSame = first.isDown === second.isDown
  return {
    ...first,
    sinceMs: isSame ? Math.min(first.sinceMs, second.sinceMs) : first.sinceMs,
    connectionCount: first.connectionCount + second.connectionCount,
    lastFailure: first.lastFailure ?? second.lastFailure,
  }
}
