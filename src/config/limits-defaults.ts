// The defaults of `limits:`, `load:` and `guessing:`; a part of defaults.ts.

import type { Default } from './defaults.ts'

export const limitsDefaults: Readonly<Record<string, Default>> = {
  'limits.maxMessage': {
    value: '50MiB',
    reason:
      'what the institutes are asked to take: 52,428,800 bytes gross, about 37.5 MiB attached',
  },
  'limits.maxRecipients': {
    value: 100,
    reason:
      'the least RFC 5321 §4.5.3.1.8 allows; the sender brings the rest in a second transaction',
  },
  'limits.maxHops': {
    value: 50,
    reason:
      'RFC 5321 §6.3 wants a large number; no real path comes near 50, and a loop ends sooner',
  },
  'limits.maxSessions': {
    value: 10000,
    reason: 'more than a busy site sees at once; beyond it clients get 421 and come back',
  },
  'limits.maxTransactions': {
    value: 1000,
    reason: 'as in Exim: a list server sends long runs of mails and only has to connect again',
  },
  'limits.maxErrors': {
    value: 20,
    reason:
      'a real server makes few errors in a session; after 20 (as in Postfix) it does not speak SMTP',
  },
  'limits.maxCommands': {
    value: 2000,
    reason:
      'a mail to 100 recipients takes some hundred; room for those who send many more and hear 452 (Postfix: 1,000)',
  },
  'limits.maxIdleCommands': {
    value: 100,
    reason: 'as in Postfix: a sender that keeps a session open between mails needs few',
  },
  'limits.unknownRecipientDelayAfter': {
    value: 5,
    reason: 'an outdated mailing list gets through unhurt, address guessing becomes slow',
  },
  'limits.unknownRecipientDelay': {
    value: '1s',
    reason: 'slows guessing by an order of magnitude and keeps far from every client timeout',
  },
  'limits.maxUnknownRecipients': {
    value: 20,
    reason:
      'the relay must not be an oracle for addresses, and the institutes are spared the questions',
  },
  'limits.commandTimeout': {
    value: '5min',
    reason: 'RFC 5321 §4.5.3.2.7: a server waits at least 5 minutes for the next command',
  },
  'limits.dataTimeout': {
    value: '3min',
    reason: 'RFC 5321 §4.5.3.2.5: 3 minutes for a piece of content',
  },
  'limits.minDataRate': {
    value: '500B',
    reason:
      'as in Postfix (`smtpd_min_data_rate`): half of what a telephone modem did; a sender that drips is none',
  },
  'limits.sessionTimeout': {
    value: '2h',
    reason:
      'a mail of 50 MiB over a 128 kbit/s line takes an hour; what lasts longer is a stuck client',
  },
  'limits.maxContentInMemory': {
    value: '256KiB',
    reason: 'most mails are smaller and never touch the disk; larger ones go to a temporary file',
  },
  'limits.maxTotalContentInMemory': {
    value: '64MiB',
    reason:
      'bounds memory whatever the number of sessions; above it content goes to a file earlier',
  },
  'limits.drainTimeout': {
    value: '30s',
    reason: 'mails in progress finish in seconds; below the 90 s after which systemd kills',
  },

  'load.strainAt': {
    value: 80,
    reason: 'there are still places for those who come while idle clients are being sent away',
  },
  'load.strainedTimeout': {
    value: '10s',
    reason:
      'as in Postfix under stress: a mail server answers at once, what waits is something else',
  },
  'load.strainedErrors': { value: 1, reason: 'as in Postfix under stress' },
  'load.strainedHandshakes': {
    value: 100,
    reason:
      'a mail server is through in two round trips: 100 at once are hundreds a second, and more than a core can do',
  },
  'load.maxLoopDelay': {
    value: '1s',
    reason:
      'far from anything in normal work; above it everybody waits, and who comes later gets through',
  },
  'load.maxDescriptors': {
    value: 90,
    reason: 'the rest is for next hops and files of the sessions that are open',
  },
  'load.maxMemory': {
    value: 90,
    reason: 'before the kernel, or the runtime, ends the process with all its sessions',
  },

  'guessing.mode': {
    value: 'observe',
    reason:
      'a network of a large provider has many senders, good and bad: look at the log for a while first',
  },
  'guessing.maxUnknown': {
    value: 100,
    reason: 'five sessions of guessing; a list that old should be cleaned',
  },
  'guessing.maxQuestions': {
    value: 120,
    reason: 'two a second on average; a recipient that is known is not asked for again',
  },
}
