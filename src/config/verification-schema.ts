// `verification:` of the configuration file.

import type { z } from 'zod'
import { failure, success, type Result } from '#base/result.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import type { VerificationConfig } from './config.ts'
import { count, day, duration, hour, key, minute, parsedText } from './schema-types.ts'
import { second, section } from './schema-types.ts'

// The probe sender's default needs the hostname, so it may be undefined until both are known.
export type VerificationFile = Omit<VerificationConfig, 'probeSender'> & {
  readonly probeSender: string | undefined
}

export const verificationSchema: z.ZodType<VerificationFile> = section({
  positiveFresh: key(
    'verification.positiveFresh',
    duration({ min: minute, max: 31 * day }),
    'A deliverable recipient is accepted without asking for so long.',
  ),
  positiveRefresh: key(
    'verification.positiveRefresh',
    duration({ min: second, max: 31 * day }),
    'After this age a fresh entry in use is asked again in the background.',
  ),
  positiveStale: key(
    'verification.positiveStale',
    duration({ min: minute, max: 366 * day }),
    'A deliverable recipient counts as known good for so long when the server does not answer.',
  ),
  negativeFresh: key(
    'verification.negativeFresh',
    duration({ min: 0, max: hour }),
    'An unknown recipient is refused without asking for so long.',
  ),
  negativeLimit: key(
    'verification.negativeLimit',
    duration({ min: 0, max: day }),
    'An unknown recipient is refused for so long when the server does not answer.',
  ),
  demoteAfter: key(
    'verification.demoteAfter',
    duration({ min: 0, max: day }),
    'Two background refusals at least this far apart take a positive entry back.',
  ),
  connectTimeout: key(
    'verification.connectTimeout',
    duration({ min: 100, max: minute }),
    'Longest wait for a connection to ask on.',
  ),
  commandTimeout: key(
    'verification.commandTimeout',
    duration({ min: 100, max: 2 * minute }),
    'Longest wait for one reply to a question.',
  ),
  totalTimeout: key(
    'verification.totalTimeout',
    duration({ min: 100, max: 4 * minute }),
    'Budget of one RCPT, everything included; then 451 4.4.1.',
  ),
  probeSender: key(
    'verification.probeSender',
    parsedText('an address such as postmaster@relay.example.org', parseProbeSender).optional(),
    'Reverse-path of questions to servers that refuse the null reverse-path.',
  ),
  maxConnections: key(
    'verification.maxConnections',
    count({ min: 1, max: 1000 }),
    'Connections for questions to one route.',
  ),
  maxWaiting: key(
    'verification.maxWaiting',
    count({ min: 1, max: 100_000 }),
    'Questions that wait for a connection to one route; one more gets 451 at once.',
  ),
  maxQuestionsPerConnection: key(
    'verification.maxQuestionsPerConnection',
    count({ min: 1, max: 10_000 }),
    'Questions on one connection before it is closed.',
  ),
  maxRefusalsPerConnection: key(
    'verification.maxRefusalsPerConnection',
    count({ min: 1, max: 10_000 }),
    'Of these, answered with anything but yes.',
  ),
  idleClose: key(
    'verification.idleClose',
    duration({ min: 0, max: 5 * minute }),
    'An idle connection for questions is closed after this time.',
  ),
  maxEntriesPerDomain: key(
    'verification.maxEntriesPerDomain',
    count({ min: 100, max: 10_000_000 }),
    'Recipients remembered for one domain; the least recently used goes first.',
  ),
  catchAllInterval: key(
    'verification.catchAllInterval',
    duration({ min: minute, max: 31 * day }),
    'How often a random address is asked for, to find servers that accept everything.',
  ),
  pin: key(
    'verification.pin',
    duration({ min: minute, max: 366 * day }),
    'How long `pforte recipient pin` accepts a recipient whatever the server says.',
  ),
  breakerFailures: key(
    'verification.breakerFailures',
    count({ min: 1, max: 1000 }),
    'Consecutive failures to reach a server before it counts as down.',
  ),
  breakerRecovery: key(
    'verification.breakerRecovery',
    duration({ min: second, max: hour }),
    'How often a server that is down is tried.',
  ),
}).transform((file) => ({
  positiveFreshMs: file.positiveFresh,
  positiveRefreshMs: file.positiveRefresh,
  positiveStaleMs: file.positiveStale,
  negativeFreshMs: file.negativeFresh,
  negativeLimitMs: file.negativeLimit,
  demoteAfterMs: file.demoteAfter,
  connectTimeoutMs: file.connectTimeout,
  commandTimeoutMs: file.commandTimeout,
  totalTimeoutMs: file.totalTimeout,
  probeSender: file.probeSender,
  maxConnectionCount: file.maxConnections,
  maxWaitingCount: file.maxWaiting,
  maxQuestionsPerConnection: file.maxQuestionsPerConnection,
  maxRefusalsPerConnection: file.maxRefusalsPerConnection,
  idleCloseMs: file.idleClose,
  maxEntriesPerDomain: file.maxEntriesPerDomain,
  catchAllIntervalMs: file.catchAllInterval,
  pinMs: file.pin,
  breakerFailureCount: file.breakerFailures,
  breakerRecoveryMs: file.breakerRecovery,
}))

function parseProbeSender(written: string): Result<string> {
  const mailbox = parseMailbox(written)
  if (!mailbox.ok) return mailbox
  return /^[\u0021-\u007e]+$/.test(written)
    ? success(written)
    : failure('the address must be ASCII without spaces')
}
