// `recheck:` of the configuration file: servers that were examined are looked at again.

import { z } from 'zod'
import type { RecheckConfig } from './config.ts'
import { day, duration, hour, key, minute, second, section, wrong } from './schema-types.ts'

export const recheckSchema: z.ZodType<RecheckConfig> = section({
  mode: key(
    'recheck.mode',
    z.enum(['on', 'off'], wrong('on or off')),
    '`on`: the checks that send no mail and provoke no limits are repeated; another verdict is told, nothing else is done.',
  ),
  every: key(
    'recheck.every',
    duration({ min: second, max: 31 * day }),
    'How often each server is looked at; each has its own time within the period.',
  ),
  confirmAfter: key(
    'recheck.confirmAfter',
    duration({ min: second, max: 50 * minute }),
    'Another verdict counts when it is seen again: this long after the first time, and within an hour.',
  ),
  timeout: key(
    'recheck.timeout',
    duration({ min: second, max: hour }),
    'Time for one look at one server; one server at a time.',
  ),
}).transform((file) => ({
  mode: file.mode,
  everyMs: file.every,
  confirmAfterMs: file.confirmAfter,
  timeoutMs: file.timeout,
}))
