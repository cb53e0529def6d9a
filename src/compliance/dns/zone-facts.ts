// Everything the DNS checks look at, asked once: at the authoritative servers and through a resolver.

import type { DnsRecord, DnsReply, NameServer, RecordType } from '#dns/query.ts'
import { queryDns } from '#dns/query.ts'
import { randomWord } from '#compliance/addresses.ts'

export interface ZoneRequest {
  /** A-label. */
  readonly domain: string
  /** Names of the relays; never empty. */
  readonly relays: readonly [string, ...string[]]
  /** Asked with recursion. */
  readonly resolver: NameServer
  /** Instead of those the delegation names; empty: those. */
  readonly nameServers: readonly NameServer[]
  readonly timeoutMs: number
}

export interface ServerFacts {
  readonly name: string
  readonly address: string
  readonly mx: DnsReply
  readonly soa: DnsReply
}

export interface ExchangeFacts {
  readonly exchange: string
  readonly a: DnsReply
  readonly aaaa: DnsReply
}

export interface ZoneFacts {
  readonly domain: string
  readonly relays: readonly [string, ...string[]]
  readonly mx: DnsReply
  /** Of an arbitrary name below the domain. */
  readonly wildcard: DnsReply
  readonly servers: readonly ServerFacts[]
  readonly exchanges: readonly ExchangeFacts[]
  readonly txt: DnsReply
  readonly dmarc: DnsReply
  readonly mtaSts: DnsReply
  readonly tlsRpt: DnsReply
}

/** More name servers or exchanges than any domain needs are not asked. */
const maxCount = 12

export async function gatherZoneFacts(
  request: ZoneRequest,
  signal: AbortSignal,
): Promise<ZoneFacts> {
  const { domain, relays } = request
  const ask = (name: string, type: RecordType): Promise<DnsReply> =>
    queryDns({
      server: request.resolver,
      name,
      type,
      isRecursive: true,
      timeoutMs: request.timeoutMs,
      attemptCount: 2,
      signal,
    })
  const [mx, wildcard, txt, dmarc, mtaSts, tlsRpt, servers] = await Promise.all([
    ask(domain, 'MX'),
    ask(`${randomWord(14)}.${domain}`, 'MX'),
    ask(domain, 'TXT'),
    ask(`_dmarc.${domain}`, 'TXT'),
    ask(`_mta-sts.${domain}`, 'TXT'),
    ask(`_smtp._tls.${domain}`, 'TXT'),
    serversOf(request, ask, signal),
  ])
  const names = [...new Set(recordsOf(mx, 'MX').map(({ value }) => value))].filter(
    (name) => name !== '',
  )
  const exchanges = await Promise.all(
    names.slice(0, maxCount).map(async (exchange) => {
      const [a, aaaa] = await Promise.all([ask(exchange, 'A'), ask(exchange, 'AAAA')])
      return { exchange, a, aaaa }
    }),
  )
  return { domain, relays, mx, wildcard, servers, exchanges, txt, dmarc, mtaSts, tlsRpt }
}

async function serversOf(
  request: ZoneRequest,
  ask: (name: string, type: RecordType) => Promise<DnsReply>,
  signal: AbortSignal,
): Promise<readonly ServerFacts[]> {
  const found =
    request.nameServers.length > 0
      ? request.nameServers.map((server) => ({ name: server.address, server }))
      : await delegated(request.domain, ask)
  return await Promise.all(
    found.slice(0, maxCount).map(async ({ name, server }) => {
      const direct = (type: RecordType): Promise<DnsReply> =>
        queryDns({
          server,
          name: request.domain,
          type,
          isRecursive: false,
          timeoutMs: request.timeoutMs,
          attemptCount: 2,
          signal,
        })
      const [mx, soa] = await Promise.all([direct('MX'), direct('SOA')])
      return { name, address: server.address, mx, soa }
    }),
  )
}

/** The domain may be no zone of its own: then the name servers are those of a zone above. */
async function delegated(
  domain: string,
  ask: (name: string, type: RecordType) => Promise<DnsReply>,
): Promise<readonly { readonly name: string; readonly server: NameServer }[]> {
  const labels = domain.split('.')
  for (let skip = 0; skip < labels.length - 1; skip += 1) {
    const names = recordsOf(await ask(labels.slice(skip).join('.'), 'NS'), 'NS').map(
      ({ value }) => value,
    )
    if (names.length === 0) continue
    const servers = await Promise.all(
      names.slice(0, maxCount).map(async (name) => {
        const [address] = recordsOf(await ask(name, 'A'), 'A').map(({ value }) => value)
        return address === undefined ? [] : [{ name, server: { address, port: 53 } }]
      }),
    )
    return servers.flat()
  }
  return []
}

/** Records of that type in the answer; none when there is no answer. */
export function recordsOf(reply: DnsReply, type: RecordType): readonly DnsRecord[] {
  return reply.kind === 'reply' ? reply.answers.filter((record) => record.type === type) : []
}

/** An answer that says something: records, or that there are none. */
export function isAnswer(reply: DnsReply): boolean {
  return reply.kind === 'reply' && (reply.rcode === 0 || reply.rcode === 3)
}

/** `10 mailrelay1.example.org, 10 mailrelay2.example.org`, `NXDOMAIN`, `timeout` */
export function replyWords(reply: DnsReply, type: RecordType): string {
  if (reply.kind === 'failed') return reply.detail
  if (reply.rcode === 3) return 'NXDOMAIN'
  if (reply.rcode !== 0) return reply.rcode === 2 ? 'SERVFAIL' : `RCODE ${reply.rcode}`
  const records = recordsOf(reply, type)
  if (records.length === 0) return 'NODATA'
  return records
    .map(({ value, preference }) =>
      type === 'MX' ? `${preference} ${value === '' ? '.' : value}` : value,
    )
    .toSorted()
    .join(', ')
}
