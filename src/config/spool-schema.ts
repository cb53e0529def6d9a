// `spool:` and `delivery:` of the configuration file: mail the relay has taken over, and its way out.

import { z } from 'zod'
import type { Config, DeliveryConfig } from './config.ts'
import { count, day, duration, gibibyte, hour, key, minute } from './schema-types.ts'
import { path, second, section, size, wrong } from './schema-types.ts'

/** As written: the folder is completed where `state` is known. */
export const spoolSchema: z.ZodType<
  Omit<Config['spool'], 'folder'> & { readonly folder: string | undefined }
> = section({
  folder: key(
    'spool.folder',
    path('a folder').optional(),
    'Folder of mail taken over and of mail that comes in. On a disk that keeps what it was told to sync.',
  ),
  reserve: key(
    'spool.reserve',
    size({ min: 0, max: 1024 * gibibyte }),
    'Space that stays free on the disk of the spool: below it new mail gets 452 4.3.1.',
  ),
  reserveInodes: key(
    'spool.reserveInodes',
    count({ min: 0, max: 1_000_000_000 }),
    'Inodes that stay free there.',
  ),
}).transform((file) => ({
  folder: file.folder,
  reserveBytes: file.reserve,
  reserveInodeCount: file.reserveInodes,
}))

export const deliverySchema: z.ZodType<DeliveryConfig> = section({
  maxConnections: key(
    'delivery.maxConnections',
    count({ min: 1, max: 1000 }),
    'Deliveries from the spool to one route at the same time, out of `handover.maxConnections`.',
  ),
  pauses: key(
    'delivery.pauses',
    z
      .array(duration({ min: 100, max: day }), wrong('a list of durations'))
      .min(1, 'needs at least one pause')
      .max(100, 'at most 100 pauses'),
    'Pauses between attempts, each ±10 %; the last one repeats. A server that comes back gets its mail at once.',
  ),
  holdAfter: key(
    'delivery.holdAfter',
    duration({ min: second, max: 60 * day }),
    'Age at which mail goes to the hold.',
  ),
  alertInstituteAfter: key(
    'delivery.alertInstituteAfter',
    duration({ min: second, max: 60 * day }),
    'Age of the oldest mail at which the institute is alerted.',
  ),
  alertOperatorAfter: key(
    'delivery.alertOperatorAfter',
    duration({ min: second, max: 60 * day }),
    'Age of the oldest mail at which the operator is alerted.',
  ),
  recoverEvery: key(
    'delivery.recoverEvery',
    duration({ min: second, max: hour }),
    'How often a spool that has stopped is tried to open again.',
  ),
  stopTimeout: key(
    'delivery.stopTimeout',
    duration({ min: 0, max: 10 * minute }),
    'How long a stop waits for deliveries under way; they are tried again after the start.',
  ),
}).transform(({ pauses, ...file }) => {
  const [first = minute, ...rest] = pauses
  return {
    maxConnectionCount: file.maxConnections,
    pausesMs: [first, ...rest] as const,
    holdAfterMs: file.holdAfter,
    alertInstituteAfterMs: file.alertInstituteAfter,
    alertOperatorAfterMs: file.alertOperatorAfter,
    recoverEveryMs: file.recoverEvery,
    stopTimeoutMs: file.stopTimeout,
  }
})
