// /metrics and /healthz, where the configuration wants them.

import type { Config } from '#config/config.ts'
import type { Health, MetricsServer, Telemetry } from '#telemetry/telemetry.ts'
import { cannotListen } from './cannot-listen.ts'

/** Null: the configuration wants none. Rejects with a CommandError when the port cannot be opened. */
export async function openMetrics(
  config: Config,
  telemetry: Telemetry,
  pages: { readonly exposition?: () => Promise<string>; readonly health: () => Health },
): Promise<MetricsServer | null> {
  const { listen } = config.metrics
  if (listen === null) return null
  const server = await telemetry.serve({ ...listen, ...pages }).catch((error: unknown) => {
    throw cannotListen(listen, error)
  })
  telemetry.emit({ kind: 'listening', listener: server, service: 'metrics' })
  return server
}
