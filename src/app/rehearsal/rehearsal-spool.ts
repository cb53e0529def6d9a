// The spool of a rehearsal: a real one, in the folder that is removed afterwards.

import type { Config } from '#config/config.ts'
import { connectLink } from '#link/connect-link.ts'
import { maxPathBytes, serveLink } from '#link/serve-link.ts'
import type { Spool } from '#spool/spool.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import { openSpoolOf } from '#app/back.ts'
import { calls } from '#app/processes/calls.ts'
import { remoteSpool } from '#app/processes/remote-spool.ts'
import { serveCommits } from '#app/processes/serve-commits.ts'
import { linkPath } from '#app/processes/shares.ts'

export interface RehearsalSpool extends AsyncDisposable {
  readonly spool: Pick<Spool, 'commit' | 'hasRoomFor'>
}

const graceMs = 100

/** `isLinked`: asked over a link, as between worker and coordinator; here both ends are this process. */
export async function openRehearsalSpool(
  config: Config,
  telemetry: Telemetry,
  isLinked: boolean,
): Promise<RehearsalSpool> {
  await using stack = new AsyncDisposableStack()
  const spool = stack.adopt(await openSpoolOf(config, telemetry), (opened) => opened.close())
  // The folder lies deeper than that of the real link.
  const isPlace = Buffer.byteLength(linkPath(config)) <= maxPathBytes
  const asked = isLinked && isPlace ? await linked(stack, config, spool) : spool
  const opened = stack.move()
  return { spool: asked, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

async function linked(
  stack: AsyncDisposableStack,
  config: Config,
  spool: Spool,
): Promise<RehearsalSpool['spool']> {
  const nothing = (): void => undefined
  const server = await serveLink({
    path: linkPath(config),
    name: 'rehearsal',
    handlers: { asked: { [calls.commit]: serveCommits(spool).asked }, told: {} },
    onPeer: nothing,
    onGone: nothing,
  })
  stack.defer(() => server.close(graceMs))
  const link = connectLink({
    path: linkPath(config),
    name: 'rehearsal',
    handlers: { asked: {}, told: {} },
    onUp: nothing,
    onDown: nothing,
  })
  stack.defer(() => link.close())
  return remoteSpool(link, (bytes) => spool.hasRoomFor(bytes))
}
