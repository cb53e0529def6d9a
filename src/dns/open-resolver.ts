// The resolver on node:dns (c-ares, its own UDP sockets; no /etc/hosts, no search domains, no threads).

import { promises as dns } from 'node:dns'
import type { Clock } from '#base/clock.ts'
import { createAnswerCache, type AnswerCache } from './answer-cache.ts'
import type { DnsAnswer, MxRecord, Resolver } from './dns.ts'
import { mergeAddresses } from './merge-addresses.ts'
import { shuffleEqual, usableMx, usableNames } from './mx-order.ts'
import { reverseName } from './reverse-name.ts'

export interface ResolverOptions {
  /** `address` or `address:port`, IPv6 with a port in brackets; empty: those of the system. */
  readonly servers: readonly string[]
  /** Of the first attempt at one server. */
  readonly timeoutMs: number
  readonly attemptCount: number
  readonly clock: Clock
  /** Remembered answers, of each kind. */
  readonly cacheEntryCount: number
  /** From 0 up to but not including 1. Default Math.random. */
  readonly random?: () => number
}

const noDataTtlMs = 30_000 // c-ares does not hand out the SOA's negative TTL (RFC 2308)
const mxTtlMs = 60_000 // nor the TTL of MX records
const ptrTtlMs = 300_000 // nor of PTR records, which change with the owner of a network
const localhostTtlMs = 300_000
/** Sender domains are asked for too, and anybody can make those up. */
const maxUnderWayCount = 2000
/** How long one address family waits for the other (RFC 8305 §3, with patience). */
const otherFamilyMs = 500

/** Throws a TypeError when a server is not an IP address with or without a port. */
export function openResolver(options: ResolverOptions): Resolver {
  return new CaresResolver(options)
}

class CaresResolver implements Resolver {
  readonly #resolver: dns.Resolver
  readonly #addresses: AnswerCache<string>
  readonly #mx: AnswerCache<MxRecord>
  /** By name and family, and by address: one cache, since a client's both are needed together. */
  readonly #clients: AnswerCache<string>
  readonly #random: () => number
  readonly #deadlineMs: number
  #underWayCount = 0

  constructor({
    servers,
    timeoutMs,
    attemptCount,
    clock,
    cacheEntryCount,
    random,
  }: ResolverOptions) {
    this.#resolver = new dns.Resolver({ timeout: timeoutMs, tries: attemptCount })
    if (servers.length > 0) this.#resolver.setServers(servers)
    // c-ares doubles its wait from round to round; this is the end whatever it does.
    this.#deadlineMs = timeoutMs * attemptCount * Math.max(1, this.#resolver.getServers().length)
    this.#addresses = createAnswerCache(clock, cacheEntryCount)
    this.#mx = createAnswerCache(clock, cacheEntryCount)
    this.#clients = createAnswerCache(clock, cacheEntryCount)
    this.#random = random ?? Math.random
  }

  async addresses(host: string, signal: AbortSignal | null): Promise<DnsAnswer<string>> {
    const name = host.toLowerCase()
    if (isLocalhost(name)) {
      return { kind: 'found', values: ['127.0.0.1', '::1'], ttlMs: localhostTtlMs }
    }
    return await unlessAborted(signal, () =>
      this.#addresses.answer(name, () => this.#askBothFamilies(name)),
    )
  }

  async mx(name: string, signal: AbortSignal | null): Promise<DnsAnswer<MxRecord>> {
    const key = name.toLowerCase()
    if (isLocalhost(key)) return { kind: 'none', cause: 'type', ttlMs: localhostTtlMs }
    const answer = await unlessAborted(signal, () => this.#mx.answer(key, () => this.#askMx(key)))
    return shuffleEqual(answer, this.#random)
  }

  async familyAddresses(
    host: string,
    family: 4 | 6,
    signal: AbortSignal | null,
  ): Promise<DnsAnswer<string>> {
    const name = host.toLowerCase()
    if (isLocalhost(name)) {
      return { kind: 'found', values: [family === 4 ? '127.0.0.1' : '::1'], ttlMs: localhostTtlMs }
    }
    return await unlessAborted(signal, () =>
      this.#clients.answer(`${family} ${name}`, () => this.#askFamily(name, family)),
    )
  }

  async reverse(address: string, signal: AbortSignal | null): Promise<DnsAnswer<string>> {
    const name = reverseName(address)
    if (name === null) return failed('not an IP address')
    return await unlessAborted(signal, () =>
      this.#clients.answer(name, () =>
        // Not Resolver.reverse: c-ares would look into /etc/hosts first.
        this.#ask(async () => ({
          values: usableNames(await this.#resolver.resolvePtr(name)),
          ttlMs: ptrTtlMs,
        })),
      ),
    )
  }

  close(): void {
    this.#resolver.cancel()
    this.#addresses.clear()
    this.#mx.clear()
    this.#clients.clear()
  }

  async #askBothFamilies(name: string): Promise<DnsAnswer<string>> {
    const ipv4 = this.#askFamily(name, 4)
    const ipv6 = this.#askFamily(name, 6)
    const first = await Promise.race([ipv4, ipv6])
    if (first.kind !== 'found') return mergeAddresses(await ipv4, await ipv6)
    const [late4, late6] = await Promise.all([
      within(ipv4, otherFamilyMs),
      within(ipv6, otherFamilyMs),
    ])
    return mergeAddresses(late4, late6)
  }

  async #askFamily(name: string, family: 4 | 6): Promise<DnsAnswer<string>> {
    return await this.#ask(async () =>
      timed(
        family === 4
          ? await this.#resolver.resolve4(name, { ttl: true })
          : await this.#resolver.resolve6(name, { ttl: true }),
      ),
    )
  }

  async #askMx(name: string): Promise<DnsAnswer<MxRecord>> {
    return await this.#ask(async () => ({
      values: usableMx(await this.#resolver.resolveMx(name)),
      ttlMs: mxTtlMs,
    }))
  }

  async #ask<Value>(
    query: () => Promise<{ readonly values: readonly Value[]; readonly ttlMs: number }>,
  ): Promise<DnsAnswer<Value>> {
    if (this.#underWayCount >= maxUnderWayCount) return failed('too many queries under way')
    this.#underWayCount += 1
    try {
      return await within(answerOf(query), this.#deadlineMs)
    } finally {
      this.#underWayCount -= 1
    }
  }
}

/** RFC 6761 §6.3: never asked of a name server. */
function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost')
}

function timed(records: readonly { readonly address: string; readonly ttl: number }[]): {
  readonly values: readonly string[]
  readonly ttlMs: number
} {
  return {
    values: records.map(({ address }) => address),
    ttlMs: Math.min(...records.map(({ ttl }) => ttl)) * 1000,
  }
}

async function answerOf<Value>(
  query: () => Promise<{ readonly values: readonly Value[]; readonly ttlMs: number }>,
): Promise<DnsAnswer<Value>> {
  try {
    const { values, ttlMs } = await query()
    const [first, ...rest] = values
    if (first === undefined) return failed('no usable record in the answer')
    return { kind: 'found', values: [first, ...rest], ttlMs }
  } catch (error) {
    return refusalOf(error)
  }
}

/** c-ares: ENOTFOUND is NXDOMAIN, ENODATA an answer without such records. All else is no answer. */
function refusalOf(error: unknown): DnsAnswer<never> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  if (code === 'ENOTFOUND') return { kind: 'none', cause: 'name', ttlMs: noDataTtlMs }
  if (code === 'ENODATA') return { kind: 'none', cause: 'type', ttlMs: noDataTtlMs }
  return failed(details[code] ?? code)
}

const details: Readonly<Record<string, string>> = {
  ETIMEOUT: 'timeout',
  ESERVFAIL: 'SERVFAIL',
  EREFUSED: 'REFUSED by the name server',
  ECONNREFUSED: 'no name server is reachable',
  ECANCELLED: 'cancelled',
  EBADNAME: 'not a name that can be asked for',
  EBADRESP: 'malformed answer',
  EFORMERR: 'FORMERR',
}

function failed(detail: string): { readonly kind: 'failed'; readonly detail: string } {
  return { kind: 'failed', detail }
}

/** The query itself runs on: its answer is for the cache. */
async function within<Value>(
  answer: Promise<DnsAnswer<Value>>,
  waitMs: number,
): Promise<DnsAnswer<Value>> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<DnsAnswer<Value>>((resolve) => {
    timer = setTimeout(() => resolve(failed('timeout')), waitMs)
  })
  try {
    return await Promise.race([answer, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** Only this asker goes away; others may be waiting for the same query. */
async function unlessAborted<Value>(
  signal: AbortSignal | null,
  ask: () => Promise<DnsAnswer<Value>>,
): Promise<DnsAnswer<Value>> {
  if (signal === null) return await ask()
  if (signal.aborted) return failed('aborted')
  let onAbort = (): void => {}
  const aborted = new Promise<DnsAnswer<Value>>((resolve) => {
    onAbort = () => resolve(failed('aborted'))
    signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([ask(), aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
