// `limits:` of the configuration file.

import type { z } from 'zod'
import type { LimitsConfig } from './config.ts'
import { count, duration, key, section, size } from './schema-types.ts'
import { day, gibibyte, hour, kibibyte, mebibyte, minute, second } from './schema-types.ts'

export const limitsSchema: z.ZodType<LimitsConfig> = section({
  maxMessage: key(
    'limits.maxMessage',
    size({ min: 64 * kibibyte, max: gibibyte }),
    'Largest content accepted, gross as transferred; advertised as SIZE.',
  ),
  maxRecipients: key(
    'limits.maxRecipients',
    count({ min: 100, max: 10_000 }),
    'Recipients of one mail transaction; then 452 4.5.3.',
  ),
  maxHops: key(
    'limits.maxHops',
    count({ min: 10, max: 1000 }),
    'Received header fields in a mail; then 554 5.4.6.',
  ),
  maxSessions: key(
    'limits.maxSessions',
    count({ min: 1, max: 1_000_000 }),
    'Sessions at the same time; then 421.',
  ),
  maxTransactions: key(
    'limits.maxTransactions',
    count({ min: 1, max: 1_000_000 }),
    'Mails in one session; then 421.',
  ),
  maxErrors: key(
    'limits.maxErrors',
    count({ min: 1, max: 10_000 }),
    'Errors of the client in one session since the last mail; then 421.',
  ),
  maxCommands: key(
    'limits.maxCommands',
    count({ min: 200, max: 1_000_000 }),
    'Commands in one session since the last mail; then 421.',
  ),
  maxIdleCommands: key(
    'limits.maxIdleCommands',
    count({ min: 2, max: 1_000_000 }),
    'NOOP, RSET, VRFY, EXPN, HELP, repeated EHLO in one session since the last mail; then 421.',
  ),
  unknownRecipientDelayAfter: key(
    'limits.unknownRecipientDelayAfter',
    count({ min: 0, max: 10_000 }),
    'Unknown recipients in one session before each further one costs `unknownRecipientDelay`.',
  ),
  unknownRecipientDelay: key(
    'limits.unknownRecipientDelay',
    duration({ min: 0, max: 30 * second }),
    'Delay of the reply to each further unknown recipient.',
  ),
  maxUnknownRecipients: key(
    'limits.maxUnknownRecipients',
    count({ min: 1, max: 10_000 }),
    'Unknown recipients in one session; then 421 4.7.0.',
  ),
  commandTimeout: key(
    'limits.commandTimeout',
    duration({ min: second, max: hour }),
    "Longest wait for the client's next command, which has to be whole then.",
  ),
  dataTimeout: key(
    'limits.dataTimeout',
    duration({ min: second, max: hour }),
    'Longest pause between two pieces of content.',
  ),
  minDataRate: key(
    'limits.minDataRate',
    size({ min: 0, max: mebibyte }),
    'Bytes a second of content: what is slower uses up `dataTimeout`, and gets 421. 0B: any rate.',
  ),
  sessionTimeout: key(
    'limits.sessionTimeout',
    duration({ min: minute, max: 7 * day }),
    'Longest life of a session.',
  ),
  maxContentInMemory: key(
    'limits.maxContentInMemory',
    size({ min: 0, max: 16 * mebibyte }),
    'Content up to this size stays in memory, larger content goes to a temporary file.',
  ),
  maxTotalContentInMemory: key(
    'limits.maxTotalContentInMemory',
    size({ min: 0, max: 64 * gibibyte }),
    'Content of all sessions together in memory; above it content goes to a file earlier.',
  ),
  drainTimeout: key(
    'limits.drainTimeout',
    duration({ min: 0, max: hour }),
    'How long a stop waits for mails in progress.',
  ),
}).transform((file) => ({
  maxMessageBytes: file.maxMessage,
  maxRecipientCount: file.maxRecipients,
  maxHopCount: file.maxHops,
  maxSessionCount: file.maxSessions,
  maxTransactionCount: file.maxTransactions,
  maxErrorCount: file.maxErrors,
  maxCommandCount: file.maxCommands,
  maxIdleCommandCount: file.maxIdleCommands,
  unknownRecipientDelayAfterCount: file.unknownRecipientDelayAfter,
  unknownRecipientDelayMs: file.unknownRecipientDelay,
  maxUnknownRecipientCount: file.maxUnknownRecipients,
  commandTimeoutMs: file.commandTimeout,
  dataTimeoutMs: file.dataTimeout,
  minDataRateBytes: file.minDataRate,
  sessionTimeoutMs: file.sessionTimeout,
  maxContentInMemoryBytes: file.maxContentInMemory,
  maxTotalContentInMemoryBytes: file.maxTotalContentInMemory,
  drainTimeoutMs: file.drainTimeout,
}))
