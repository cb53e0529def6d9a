// `pforte status` of a relay that is one process: it asks over the same link as that of several.

import type { Config } from '#config/config.ts'
import { serveLink, type LinkServer } from '#link/serve-link.ts'
import type { Spool } from '#spool/spool.ts'
import { CommandError } from './command.ts'
import { calls, message } from './processes/calls.ts'
import { relayStatus, spoolStatus, type ProcessReport } from './processes/relay-status.ts'
import { linkPath } from './processes/shares.ts'
import type { Back } from './back.ts'

/** The caller owns the spool, so nobody else serves the link. Rejects with a CommandError. */
export async function serveStatus(
  config: Config,
  spool: Spool,
  { rechecks, lateRefusals }: Pick<Back, 'rechecks' | 'lateRefusals'>,
  report: () => ProcessReport,
): Promise<LinkServer> {
  try {
    return await serveLink({
      path: linkPath(config),
      name: 'relay',
      handlers: {
        asked: {
          [calls.status]: async () =>
            message(
              relayStatus([report()], {
                spool: await spoolStatus(spool),
                rechecks: await rechecks.status(),
                lateRefusals: lateRefusals.status(),
              }),
            ),
        },
        told: {},
      },
      onPeer: () => undefined,
      onGone: () => undefined,
    })
  } catch (error) {
    throw new CommandError(`cannot open the socket for pforte status: ${String(error)}`)
  }
}
