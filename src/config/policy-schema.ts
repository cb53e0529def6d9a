// `policy:` of the configuration file: the mail rules.

import { z } from 'zod'
import { failure, success, type Result } from '#base/result.ts'
import type { PolicyConfig } from './config.ts'
import { count, day, duration, hour, key, minute, parsedText, path } from './schema-types.ts'
import { second, section, wrong } from './schema-types.ts'

type Mode = PolicyConfig['modes']['dynamic-address']

const mode: z.ZodType<Mode> = z.enum(
  ['off', 'observe', 'defer', 'reject'],
  wrong('off, observe, defer or reject'),
)

const greylistingSchema: z.ZodType<PolicyConfig['greylisting']> = section({
  mode: key(
    'policy.greylisting.mode',
    z.enum(['off', 'observe', 'defer'], wrong('off, observe or defer')),
    'Unknown triples of client network (/24, /64), sender and recipient have to come back later: 451 4.7.1.',
  ),
  delay: key('policy.greylisting.delay', duration({ min: second, max: hour }), 'How much later.'),
  retryWindow: key(
    'policy.greylisting.retryWindow',
    duration({ min: minute, max: 30 * day }),
    'How late at most; after that it is a first attempt again.',
  ),
  memory: key(
    'policy.greylisting.memory',
    duration({ min: hour, max: 366 * day }),
    'How long what has passed is remembered after it was last seen.',
  ),
  allowAfter: key(
    'policy.greylisting.allowAfter',
    count({ min: 0, max: 1000 }),
    'Triples that have passed after which a network has to wait no more; 0: it always has to.',
  ),
  maxEntries: key(
    'policy.greylisting.maxEntries',
    count({ min: 1000, max: 100_000_000 }),
    'Triples remembered, and networks; beyond it the oldest go, those that wait before those that have passed.',
  ),
}).transform((file) => ({
  mode: file.mode,
  delayMs: file.delay,
  retryWindowMs: file.retryWindow,
  memoryMs: file.memory,
  allowAfterCount: file.allowAfter,
  maxEntryCount: file.maxEntries,
}))

export const policySchema: z.ZodType<PolicyConfig> = section({
  reverseDnsMissing: key(
    'policy.reverseDnsMissing',
    mode,
    "Clients whose address has no PTR record: 450 or 550, status x.7.25. As Postfix's reject_unknown_reverse_client_hostname.",
  ),
  reverseDnsInconsistent: key(
    'policy.reverseDnsInconsistent',
    mode,
    "Clients whose PTR record names a host that does not lead back to the address: x.7.25. With the one above as Postfix's reject_unknown_client_hostname.",
  ),
  dynamicAddress: key(
    'policy.dynamicAddress',
    mode,
    'Clients whose name is one that providers give to whoever dials in: x.7.1.',
  ),
  dynamicNames: key(
    'policy.dynamicNames',
    z
      .array(
        parsedText('a name such as .dip0.t-ipconnect.de or *-dyn-*.example.net', parsePattern),
        wrong('a list of names'),
      )
      .max(1000, 'at most 1000 names'),
    'Such names: a name and all below it, or, with `*` for any run of characters, a whole name.',
  ),
  guessDynamicNames: key(
    'policy.guessDynamicNames',
    z.boolean(wrong('true or false')),
    'Names with the address in them and a word like dyn, dsl, pool, dialup or cable count too.',
  ),
  senderDomainMissing: key(
    'policy.senderDomainMissing',
    mode,
    "Senders whose domain has neither MX nor address records, or does not exist: x.1.8. As Postfix's reject_unknown_sender_domain.",
  ),
  senderNullMx: key(
    'policy.senderNullMx',
    mode,
    'Senders whose domain says that it takes no mail (RFC 7505): x.7.27.',
  ),
  dnsFailure: key(
    'policy.dnsFailure',
    z.enum(['pass', 'defer'], wrong('pass or defer')),
    'What a rule does that cannot be decided because the DNS gives no answer; `defer`: 451 4.4.3.',
  ),
  dnsTimeout: key(
    'policy.dnsTimeout',
    duration({ min: 100, max: minute }),
    'Longest wait for all the rules ask the DNS for; what has not come by then is no answer.',
  ),
  exceptions: key(
    'policy.exceptions',
    path('a file').nullable(),
    'File of clients, senders and recipients the rules leave alone. Read again with SIGHUP.',
  ),
  greylisting: greylistingSchema.prefault({}).describe('Greylisting.'),
}).transform((file) => ({
  modes: {
    'reverse-dns-missing': file.reverseDnsMissing,
    'reverse-dns-inconsistent': file.reverseDnsInconsistent,
    'dynamic-address': file.dynamicAddress,
    'sender-domain-missing': file.senderDomainMissing,
    'sender-null-mx': file.senderNullMx,
  },
  dynamicNames: file.dynamicNames,
  isDynamicNameGuessed: file.guessDynamicNames,
  onDnsFailure: file.dnsFailure,
  dnsTimeoutMs: file.dnsTimeout,
  exceptions: file.exceptions,
  greylisting: file.greylisting,
}))

function parsePattern(written: string): Result<string> {
  return /^[a-z0-9_.*-]{3,253}$/i.test(written) && !/^[*.]+$/.test(written)
    ? success(written.toLowerCase())
    : failure('expected a host name, with `*` for any run of characters')
}
