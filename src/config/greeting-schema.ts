// `greeting:` of the configuration file: what is decided about a client before its session begins.

import { z } from 'zod'
import { parseNetwork } from '#base/network.ts'
import { success, type Result } from '#base/result.ts'
import type { GreetingConfig, GreetingMode } from './config.ts'
import { parseDnsZone } from './dns-zone.ts'
import { count, day, duration, key, minute, parsedText, path } from './schema-types.ts'
import { section, text, wrong } from './schema-types.ts'

function mode(name: string, what: string): z.ZodType<GreetingMode> {
  return key(
    `${name}.mode`,
    z.enum(['off', 'observe', 'enforce'], wrong('off, observe or enforce')),
    `${what} \`observe\` refuses nobody and logs what \`enforce\` would have done.`,
  )
}

function networks(name: string, description: string): z.ZodType<string[]> {
  return key(
    name,
    z
      .array(
        parsedText('a network such as 192.0.2.0/24', parseNetworkText),
        wrong('a list such as [192.0.2.0/24, "2001:db8::/32"]'),
      )
      .max(10_000, 'at most 10000 here; write them to greeting.access.file'),
    description,
  )
}

/** How many connections an address and a network may have. */
function limits(name: string, what: string): z.ZodType<GreetingConfig['connections']> {
  return section({
    mode: mode(name, `${what} of one client; then 421 4.7.0.`),
    perAddress: key(
      `${name}.perAddress`,
      count({ min: 0, max: 100_000 }),
      'Of one address; 0: any.',
    ),
    perNetwork: key(
      `${name}.perNetwork`,
      count({ min: 0, max: 1_000_000 }),
      'Of one /24 of IPv4 or /64 of IPv6 together; 0: any.',
    ),
  }).transform((file) => ({
    mode: file.mode,
    maxPerAddressCount: file.perAddress,
    maxPerNetworkCount: file.perNetwork,
  }))
}

const accessSchema: z.ZodType<GreetingConfig['access']> = section({
  mode: mode('greeting.access', 'What a client of a deny list gets: 521 5.7.1.'),
  allow: networks(
    'greeting.access.allow',
    'Clients that are not tested. Limits apply. The longest network that fits decides, of all lists.',
  ),
  deny: networks('greeting.access.deny', 'Clients that are refused.'),
  file: key(
    'greeting.access.file',
    path('a file').nullable(),
    'File of more networks, one a line: `192.0.2.0/24 deny  # why`, or `allow`. Read again when it changes.',
  ),
})

const pregreetSchema: z.ZodType<GreetingConfig['pregreet']> = section({
  mode: mode(
    'greeting.pregreet',
    'A client that is not known waits for its banner; one that speaks first gets 521 5.5.1.',
  ),
  delay: key(
    'greeting.pregreet.delay',
    duration({ min: 100, max: minute }),
    'How long it waits. Also in observe mode.',
  ),
  teaser: key(
    'greeting.pregreet.teaser',
    z.boolean(wrong('true or false')),
    'Send a first line of the banner (`220-`) at once, and the last one (`220 `) after the delay.',
  ),
  remember: key(
    'greeting.pregreet.remember',
    duration({ min: 0, max: 60 * day }),
    'How long a client that passed is not tested again.',
  ),
}).transform((file) => ({
  mode: file.mode,
  delayMs: file.delay,
  isTeasing: file.teaser,
  rememberMs: file.remember,
}))

const dnsblSchema: z.ZodType<GreetingConfig['dnsbl']> = section({
  mode: mode('greeting.dnsbl', 'A client that is listed gets 521 5.7.1.'),
  zones: key(
    'greeting.dnsbl.zones',
    z
      .array(zone(), wrong('a list such as ["bl.example.org*2", "wl.example.org*-2"]'))
      .max(32, 'at most 32 lists'),
    'Lists asked: `DOMAIN`, `DOMAIN=127.0.0.[2..11]*WEIGHT` as in Postfix; a weight below 0 is for lists of good clients.',
  ),
  threshold: key(
    'greeting.dnsbl.threshold',
    count({ min: 1, max: 1_000_000 }),
    'Sum of weights from which on a client counts as listed.',
  ),
  allowThreshold: key(
    'greeting.dnsbl.allowThreshold',
    z.int(wrong('a negative whole number')).max(-1, wrong('a negative whole number')).nullable(),
    'Sum of weights from which down a client does not wait for its banner; null: none.',
  ),
  timeout: key(
    'greeting.dnsbl.timeout',
    duration({ min: 100, max: minute }),
    'How long a client waits for the lists; one that has not answered by then counts nothing.',
  ),
  remember: key(
    'greeting.dnsbl.remember',
    duration({ min: 0, max: 7 * day }),
    'How long a client that is not listed is not looked up again; a minute when a list did not answer.',
  ),
}).transform((file) => ({
  mode: file.mode,
  zones: file.zones,
  threshold: file.threshold,
  allowThreshold: file.allowThreshold,
  timeoutMs: file.timeout,
  rememberMs: file.remember,
}))

export const greetingSchema: z.ZodType<GreetingConfig> = section({
  exempt: networks('greeting.exempt', 'Clients that are neither tested nor limited.'),
  access: accessSchema.prefault({}).describe('Allow and deny lists.'),
  connections: limits('greeting.connections', 'Connections at the same time')
    .prefault({})
    .describe('Connections at the same time.'),
  rate: limits('greeting.rate', 'New connections within a minute')
    .prefault({})
    .describe('New connections within a minute.'),
  pregreet: pregreetSchema.prefault({}).describe('Clients that speak before the banner.'),
  dnsbl: dnsblSchema.prefault({}).describe('Lists on the DNS.'),
  maxWaiting: key(
    'greeting.maxWaiting',
    count({ min: 1, max: 100_000 }),
    'Clients that wait at the same time; one more is let through untested.',
  ),
  maxRemembered: key(
    'greeting.maxRemembered',
    count({ min: 100, max: 10_000_000 }),
    'Clients remembered that passed, in memory and in `greeting.db`, of each.',
  ),
}).transform(({ maxWaiting, maxRemembered, ...file }) => ({
  ...file,
  maxWaitingCount: maxWaiting,
  maxRememberedCount: maxRemembered,
}))

function parseNetworkText(written: string): Result<string> {
  const network = parseNetwork(written)
  return network.ok ? success(written) : network
}

function zone(): z.ZodType<GreetingConfig['dnsbl']['zones'][number]> {
  return text('a list such as bl.example.org').transform((written, context) => {
    const parsed = parseDnsZone(written)
    if (parsed.ok) return parsed.value
    context.addIssue({ code: 'custom', message: `${parsed.problem}, in "${written}"` })
    return z.NEVER
  })
}
