// `load:` and `guessing:` of the configuration file.

import { z } from 'zod'
import type { GuessingConfig, LoadConfig } from './config.ts'
import { count, duration, key, minute, second, section, wrong } from './schema-types.ts'

const percent: z.ZodType<number> = count({ min: 1, max: 100 })

export const loadSchema: z.ZodType<LoadConfig> = section({
  strainAt: key(
    'load.strainAt',
    percent,
    'Percent of `limits.maxSessions` from which on sessions get less time and fewer errors; as while anything below is short.',
  ),
  strainedTimeout: key(
    'load.strainedTimeout',
    duration({ min: second, max: 10 * minute }),
    'Command and data timeout then, also of sessions that are open.',
  ),
  strainedErrors: key(
    'load.strainedErrors',
    count({ min: 1, max: 10_000 }),
    'Errors, and idle commands (NOOP, RSET, ...), of one session then; then 421.',
  ),
  strainedHandshakes: key(
    'load.strainedHandshakes',
    count({ min: 1, max: 10_000 }),
    'TLS handshakes under way at once then, of one process; the oldest makes room for the next.',
  ),
  maxLoopDelay: key(
    'load.maxLoopDelay',
    duration({ min: 10, max: minute }),
    'New sessions get 421 while a process is later than this, on average over half a second or so.',
  ),
  maxDescriptors: key(
    'load.maxDescriptors',
    percent,
    'New sessions get 421 while a process uses this percent of the file descriptors it may have.',
  ),
  maxMemory: key(
    'load.maxMemory',
    percent,
    'New sessions get 421 while a process uses this percent of its heap, or its cgroup of its memory.',
  ),
}).transform((file) => ({
  strainAtPercent: file.strainAt,
  strainedTimeoutMs: file.strainedTimeout,
  strainedErrorCount: file.strainedErrors,
  strainedHandshakeCount: file.strainedHandshakes,
  maxLoopDelayMs: file.maxLoopDelay,
  maxDescriptorPercent: file.maxDescriptors,
  maxMemoryPercent: file.maxMemory,
}))

export const guessingSchema: z.ZodType<GuessingConfig> = section({
  mode: key(
    'guessing.mode',
    z.enum(['off', 'observe', 'enforce'], wrong('off, observe or enforce')),
    '`enforce`: a network above its budget gets 451 for recipients that are not known to exist; `observe`: only told.',
  ),
  maxUnknown: key(
    'guessing.maxUnknown',
    count({ min: 1, max: 1_000_000 }),
    'Unknown recipients that the clients of one network (/24, or /64 of IPv6) may name in an hour.',
  ),
  maxQuestions: key(
    'guessing.maxQuestions',
    count({ min: 1, max: 1_000_000 }),
    "Questions to institutes' servers that the clients of one network may cause in a minute.",
  ),
}).transform((file) => ({
  mode: file.mode,
  maxUnknownCount: file.maxUnknown,
  maxQuestionCount: file.maxQuestions,
}))
