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

/** Of the connections that a server takes: the coordinator's, which brings what has time. At least one. */
export function coordinatorShare(connectionCount: number, workerCount: number): number {
  return Math.max(1, Math.floor(connectionCount / (workerCount + 1)))
}

/** A worker's: what the coordinator leaves, in even parts. At least one. */
export function workerShare(connectionCount: number, workerCount: number): number {
  const left = connectionCount - coordinatorShare(connectionCount, workerCount)
  return Math.max(1, Math.floor(left / workerCount))
}

/** The socket the coordinator serves. */
export function linkPath(config: Config): string {
  return path.join(config.state, 'link.sock')
}
