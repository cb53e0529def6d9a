// Everything the DNS checks look at, asked once: at the authoritative servers and through a resolver.

import type { DnsRecord, DnsReply, NameServer, RecordType } from '#dns/query.ts'
import { queryDns } from '#dns/query.ts'
import { getOverHttps } from '#net/https-get.ts'
import { openProbeStream } from '#net/probe-stream.ts'
import { randomWord } from '#compliance/addresses.ts'
import { isNeverAServer } from '#compliance/target-guard.ts'
import { maxPolicyBytes, type PolicyAnswer } from './mta-sts.ts'

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
  /** Whether the relay serves the domain; null: nobody has said which it serves. */
  readonly isServed: boolean | null
  /** Where the policy of MTA-STS is fetched; null: at the addresses of its host. */
  readonly policyServer: NameServer | null
  /** PEM, for that; null: those of the system. */
  readonly ca: readonly string[] | null
  /** This machine sees what the Internet sees: port 25 of other MX is tried. Null: it does not. */
  readonly outside: { readonly smtpPort: number } | null
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
  /** From outside: the port is open, or why not; null: not tried. */
  readonly smtp: 'open' | { readonly failure: string } | null
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
  /** Null: there is no record that says that there is one. */
  readonly policy: PolicyAnswer | null
  readonly caa: DnsReply
  readonly domainKey: DnsReply
  /** The MX question again, with verification turned off; null: the first answer was one. */
  readonly mxUnchecked: DnsReply | null
  /** The root zone, which is signed: does the resolver verify at all? */
  readonly root: DnsReply
  readonly relayTlsa: readonly { readonly relay: string; readonly reply: DnsReply }[]
  readonly isServed: boolean | null
}

/** More name servers or exchanges than any domain needs are not asked. */
const maxCount = 12
const smtpPort = 25
/** A firewall that drops keeps senders waiting for minutes; we know after this. */
const connectTimeoutMs = 10_000
const policyTimeoutMs = 15_000

export async function gatherZoneFacts(
  request: ZoneRequest,
  signal: AbortSignal,
): Promise<ZoneFacts> {
  const { domain, relays, isServed } = request
  const ask = asker(request, signal)
  const [mx, wildcard, txt, dmarc, mtaSts, tlsRpt, caa, domainKey, root, servers] =
    await Promise.all([
      ask(domain, 'MX'),
      ask(`${randomWord(14)}.${domain}`, 'MX'),
      ask(domain, 'TXT'),
      ask(`_dmarc.${domain}`, 'TXT'),
      ask(`_mta-sts.${domain}`, 'TXT'),
      ask(`_smtp._tls.${domain}`, 'TXT'),
      ask(domain, 'CAA'),
      ask(`_domainkey.${domain}`, 'TXT'),
      ask('', 'NS'),
      serversOf(request, ask, signal),
    ])
  const names = [...new Set(recordsOf(mx, 'MX').map(({ value }) => value))].filter(
    (name) => name !== '',
  )
  const exchanges = await Promise.all(
    names.slice(0, maxCount).map(async (exchange) => {
      const [a, aaaa] = await Promise.all([ask(exchange, 'A'), ask(exchange, 'AAAA')])
      const isTried = request.outside !== null && !relays.includes(exchange)
      const smtp = isTried ? await tryPort(a, request.outside.smtpPort, signal) : null
      return { exchange, a, aaaa, smtp }
    }),
  )
  const relayTlsa = await Promise.all(
    relays
      .slice(0, maxCount)
      .map(async (relay) => ({ relay, reply: await ask(`_25._tcp.${relay}`, 'TLSA') })),
  )
  const hasPolicy = recordsOf(mtaSts, 'TXT').some(({ value }) => /^v=STSv1/i.test(value))
  return {
    domain,
    relays,
    mx,
    wildcard,
    servers,
    exchanges,
    txt,
    dmarc,
    mtaSts,
    tlsRpt,
    policy: hasPolicy ? await fetchPolicy(request, ask, signal) : null,
    caa,
    domainKey,
    root,
    relayTlsa,
    isServed,
    mxUnchecked: isAnswer(mx) ? null : await asker(request, signal, true)(domain, 'MX'),
  }
}

type Ask = (name: string, type: RecordType) => Promise<DnsReply>

function asker(request: ZoneRequest, signal: AbortSignal, isUnchecked: boolean = false): Ask {
  const { resolver: server, timeoutMs } = request
  return async (name, type) =>
    await queryDns({
      server,
      name,
      type,
      isRecursive: true,
      timeoutMs,
      attemptCount: 2,
      signal,
      ...(isUnchecked && { isCheckingDisabled: true as const }),
    })
}

/** Nothing is said: only whether somebody listens. */
async function tryPort(
  a: DnsReply,
  port: number,
  signal: AbortSignal,
): Promise<ExchangeFacts['smtp']> {
  const [address] = recordsOf(a, 'A').map(({ value }) => value)
  if (address === undefined) return { failure: 'no address' }
  if (isNeverAServer(address) && port === smtpPort) return { failure: `${address} is not public` }
  try {
    const stream = await openProbeStream({
      address,
      port,
      source: null,
      timeoutMs: connectTimeoutMs,
      signal,
    })
    stream.destroy()
    return 'open'
  } catch (error) {
    return { failure: error instanceof Error && 'code' in error ? String(error.code) : 'failed' }
  }
}

/** A name in somebody's zone must not lead into this machine. */
async function fetchPolicy(
  request: ZoneRequest,
  ask: Ask,
  signal: AbortSignal,
): Promise<PolicyAnswer> {
  const name = `mta-sts.${request.domain}`
  let place = request.policyServer
  if (place === null) {
    const found = [
      ...recordsOf(await ask(name, 'A'), 'A'),
      ...recordsOf(await ask(name, 'AAAA'), 'AAAA'),
    ]
    const address = found.map(({ value }) => value).find((value) => !isNeverAServer(value))
    if (address === undefined) return { kind: 'no-host', detail: `${name} has no public address` }
    place = { address, port: 443 }
  }
  return await getOverHttps({
    ...place,
    name,
    path: '/.well-known/mta-sts.txt',
    ca: request.ca,
    maxBytes: maxPolicyBytes,
    timeoutMs: policyTimeoutMs,
    signal,
  })
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
        return address === undefined || isNeverAServer(address)
          ? []
          : [{ name, server: { address, port: 53 } }]
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
