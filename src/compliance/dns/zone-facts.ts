// Everything the DNS checks look at, asked once: at the authoritative servers and through a resolver.

import type { DnsReply, NameServer, RecordType } from '#dns/query.ts'
import { queryDns } from '#dns/query.ts'
import { getOverHttps } from '#net/https-get.ts'
import { randomWord } from '#compliance/addresses.ts'
import { isNeverAServer } from '#compliance/target-guard.ts'
import { isAnswer, recordsOf } from './dns-answers.ts'
import { maxPolicyBytes, type PolicyAnswer } from './mta-sts.ts'
import { showCertificates, usableTlsa, type ShownCertificate } from './relay-certificates.ts'
import { spfCost, spfRecords, type SpfCost } from './spf.ts'
import { tryPort, type PortFacts } from './try-port.ts'

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
  /** What we call ourselves to a relay whose TLSA records are compared with what it shows. */
  readonly helloName: string
  /** Where a relay is reached for that. */
  readonly relayPort: number
  /** Since when name servers are known to disagree; `sinceMs` null: they are not. Null: nobody remembers. */
  readonly disagreement: { readonly sinceMs: number | null } | null
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
  /** From outside; null: not tried. */
  readonly smtp: PortFacts | null
}

export interface ZoneFacts {
  readonly askedAtMs: number
  readonly disagreement: ZoneRequest['disagreement']
  readonly domain: string
  readonly relays: readonly [string, ...string[]]
  readonly mx: DnsReply
  /** Of an arbitrary name below the domain. */
  readonly wildcard: DnsReply
  readonly servers: readonly ServerFacts[]
  readonly exchanges: readonly ExchangeFacts[]
  /** Of the domain itself, where mail goes when there is no MX. */
  readonly a: DnsReply
  readonly aaaa: DnsReply
  readonly txt: DnsReply
  /** Null: there is not exactly one record. */
  readonly spf: SpfCost | null
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
  readonly relayTlsa: readonly RelayTlsa[]
  readonly isServed: boolean | null
}

export interface RelayTlsa {
  readonly relay: string
  readonly reply: DnsReply
  /** Null: there is no record that senders would use. */
  readonly shown: readonly ShownCertificate[] | null
}

/** More name servers or exchanges than any domain needs are not asked. */
const maxCount = 12
/** For all that an SPF record includes. */
const spfTimeoutMs = 20_000
const policyTimeoutMs = 15_000

export async function gatherZoneFacts(
  request: ZoneRequest,
  askedAtMs: number,
  signal: AbortSignal,
): Promise<ZoneFacts> {
  const { domain, relays, isServed, disagreement } = request
  const ask = asker(request, signal)
  const [mx, a, aaaa, wildcard, txt, dmarc, mtaSts, tlsRpt, caa, domainKey, root, servers] =
    await Promise.all([
      ask(domain, 'MX'),
      ask(domain, 'A'),
      ask(domain, 'AAAA'),
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
      const smtp = isTried ? await tryPort({ a, aaaa }, request.outside.smtpPort, signal) : null
      return { exchange, a, aaaa, smtp }
    }),
  )
  const [relayTlsa, spf] = await Promise.all([
    Promise.all(relays.slice(0, maxCount).map((relay) => tlsaOf(relay, request, ask, signal))),
    spfOf(request, txt, signal),
  ])
  const hasPolicy = recordsOf(mtaSts, 'TXT').some(({ value }) => /^v=STSv1/i.test(value))
  return {
    askedAtMs,
    disagreement,
    domain,
    relays,
    mx,
    a,
    aaaa,
    spf,
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

async function tlsaOf(
  relay: string,
  { relayPort: port, helloName }: ZoneRequest,
  ask: Ask,
  signal: AbortSignal,
): Promise<RelayTlsa> {
  const reply = await ask(`_25._tcp.${relay}`, 'TLSA')
  const tlsa = usableTlsa(reply)
  if (tlsa.length === 0) return { relay, reply, shown: null }
  const [a, aaaa] = await Promise.all([ask(relay, 'A'), ask(relay, 'AAAA')])
  const addresses = [...recordsOf(a, 'A'), ...recordsOf(aaaa, 'AAAA')].map(({ value }) => value)
  const shown = await showCertificates({ relay, addresses, port, helloName, tlsa }, signal)
  return { relay, reply, shown }
}

async function spfOf(
  request: ZoneRequest,
  txt: DnsReply,
  signal: AbortSignal,
): Promise<SpfCost | null> {
  const [record, ...others] = spfRecords(txt)
  if (record === undefined || others.length > 0) return null
  const within = AbortSignal.any([signal, AbortSignal.timeout(spfTimeoutMs)])
  return await spfCost(request.domain, record, asker(request, within))
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
