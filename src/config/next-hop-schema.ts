// `handover:` and `dns:` of the configuration file: reaching the next hops.

import { z } from 'zod'
import { failure, success, type Result } from '#base/result.ts'
import { parseNetwork } from '#base/network.ts'
import type { DnsConfig, HandoverConfig } from './config.ts'
import { count, duration, ipAddress, key, minute, parsedText } from './schema-types.ts'
import { second, section, wrong } from './schema-types.ts'

export const handoverSchema: z.ZodType<HandoverConfig> = section({
  maxConnections: key(
    'handover.maxConnections',
    count({ min: 1, max: 1000 }),
    'Connections for mails to one route.',
  ),
  maxWaiting: key(
    'handover.maxWaiting',
    count({ min: 1, max: 100_000 }),
    'Mails that wait for a connection to one route; one more is treated as if the server were down.',
  ),
  maxMailsPerConnection: key(
    'handover.maxMailsPerConnection',
    count({ min: 1, max: 10_000 }),
    'Mails on one connection before it is closed.',
  ),
  idleClose: key(
    'handover.idleClose',
    duration({ min: 0, max: 5 * minute }),
    'An idle connection for mails is closed after this time.',
  ),
  connectTimeout: key(
    'handover.connectTimeout',
    duration({ min: 100, max: 5 * minute }),
    'Longest wait for a connection and its banner.',
  ),
  commandTimeout: key(
    'handover.commandTimeout',
    duration({ min: 100, max: 5 * minute }),
    'Longest wait for one reply before the content.',
  ),
  contentTimeout: key(
    'handover.contentTimeout',
    duration({ min: second, max: 10 * minute }),
    'Longest wait for the server to take a piece of content.',
  ),
  finalTimeout: key(
    'handover.finalTimeout',
    duration({ min: second, max: 30 * minute }),
    'Longest wait for the reply to the content.',
  ),
}).transform((file) => ({
  maxConnectionCount: file.maxConnections,
  maxWaitingCount: file.maxWaiting,
  maxMailsPerConnection: file.maxMailsPerConnection,
  idleCloseMs: file.idleClose,
  connectTimeoutMs: file.connectTimeout,
  commandTimeoutMs: file.commandTimeout,
  contentTimeoutMs: file.contentTimeout,
  finalTimeoutMs: file.finalTimeout,
}))

export const dnsSchema: z.ZodType<DnsConfig> = section({
  servers: key(
    'dns.servers',
    z
      .array(
        parsedText('a resolver such as 127.0.0.1, "::1" or "[::1]:5353"', parseDnsServer),
        wrong('a list of resolvers'),
      )
      .max(8, 'at most 8 resolvers'),
    'Resolvers: `address`, `address:port` or `[address]:port`; empty for those of the system.',
  ),
  timeout: key(
    'dns.timeout',
    duration({ min: 100, max: 30 * second }),
    'Longest wait for one answer.',
  ),
  attempts: key(
    'dns.attempts',
    count({ min: 1, max: 10 }),
    'Attempts before a look-up has failed.',
  ),
  refuseAddresses: key(
    'dns.refuseAddresses',
    z
      .array(
        parsedText('a network such as 127.0.0.0/8 or fe80::/10', parseNetworkText),
        wrong('a list of networks'),
      )
      .max(64, 'at most 64 networks'),
    "Networks where the DNS cannot place an institute's server; an address that a route names is used all the same.",
  ),
}).transform((file) => ({
  servers: file.servers,
  timeoutMs: file.timeout,
  attemptCount: file.attempts,
  refuseAddresses: file.refuseAddresses,
}))

function parseNetworkText(written: string): Result<string> {
  const network = parseNetwork(written)
  return network.ok ? success(written) : network
}

/** In the form `Resolver.setServers` of node:dns takes. */
function parseDnsServer(written: string): Result<string> {
  const match = /^(?:\[([^\]]*)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(written)
  const address = match === null ? written : (match[1] ?? match[2])
  const portNumber = Number(match?.[3] ?? 53)
  if (!ipAddress().safeParse(address).success) {
    return failure('expected the IP address of a resolver, with a port if it is not 53')
  }
  return portNumber > 0 && portNumber <= 65535
    ? success(written)
    : failure('a port is a number from 1 to 65535')
}
