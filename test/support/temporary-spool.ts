// A real spool in a folder of the test, without a reserve and without anybody who listens to it.

import path from 'node:path'
import { systemClock } from '#base/clock.ts'
import { openSpool, type SpoolOptions } from '#spool/open-spool.ts'
import type { Spool } from '#spool/spool.ts'

/** In `folder`/spool. The caller closes it. */
export async function openTemporarySpool(
  folder: string,
  options: Partial<SpoolOptions> = {},
): Promise<Spool> {
  return await openSpool({
    folder: path.join(folder, 'spool'),
    reserveBytes: 0,
    reserveInodeCount: 0,
    maxDelayMs: 3_600_000,
    clock: systemClock,
    emit: () => undefined,
    ...options,
  })
}
