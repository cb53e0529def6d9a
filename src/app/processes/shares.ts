// What several processes may use together, divided among them.

import path from 'node:path'
import type { Config } from '#config/config.ts'

/** The part of a worker: of connections to one route what delivery leaves, and at least one of each thing. */
export function workerConfig(config: Config, workerCount: number): Config {
  const { verification, handover, delivery } = config
  const share = (count: number): number => Math.max(1, Math.floor(count / workerCount))
  return {
    ...config,
    verification: {
      ...verification,
      maxConnectionCount: share(verification.maxConnectionCount),
      maxWaitingCount: share(verification.maxWaitingCount),
    },
    handover: {
      ...handover,
      maxConnectionCount: share(handover.maxConnectionCount - delivery.maxConnectionCount),
      maxWaitingCount: share(handover.maxWaitingCount),
    },
  }
}

/** The part of the coordinator, which only delivers from the spool. */
export function coordinatorConfig(config: Config): Config {
  const { handover, delivery } = config
  const count = Math.min(handover.maxConnectionCount, delivery.maxConnectionCount)
  return {
    ...config,
    verification: { ...config.verification, maxConnectionCount: 1 },
    handover: { ...handover, maxConnectionCount: count },
  }
}

/**
 * Of the connections that a server takes: the coordinator's, which brings what has time. Null: there are not
 * enough for each process to have one.
 */
export function coordinatorShare(connectionCount: number, workerCount: number): number | null {
  const share = Math.floor(connectionCount / (workerCount + 1))
  return share >= 1 ? share : null
}

/** A worker's: what the coordinator leaves, in even parts; null as above. */
export function workerShare(connectionCount: number, workerCount: number): number | null {
  const coordinators = coordinatorShare(connectionCount, workerCount)
  return coordinators === null ? null : Math.floor((connectionCount - coordinators) / workerCount)
}

/** The socket the coordinator serves. */
export function linkPath(config: Config): string {
  return path.join(config.state, 'link.sock')
}
