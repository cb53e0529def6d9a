// A name server for tests: a table of names on a loopback UDP port (RFC 1035 §4). It answers NXDOMAIN
// to whatever the table does not hold, so no test can reach the real DNS by a slip.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** `silent` never answers. */
export type ZoneFailure = 'nxdomain' | 'servfail' | 'refused' | 'silent'

/** A type that is left out does not exist at the name (NODATA). */
export interface ZoneRecords {
  readonly a?: readonly string[] | ZoneFailure
  readonly aaaa?: readonly string[] | ZoneFailure
  /** Preference and exchange; '' as the exchange is the null MX (RFC 7505). */
  readonly mx?: readonly (readonly [preference: number, exchange: string])[] | ZoneFailure
  /** Instead of `mx`, unless the question turns verification off (CD, RFC 4035 §3.2.2). */
  readonly mxVerified?: ZoneFailure
  /** At a name below `in-addr.arpa` or `ip6.arpa`. */
  readonly ptr?: readonly string[] | ZoneFailure
  /** Answers every type; followed as far as the zone knows the target. */
  readonly cname?: string
  /** Data of other types as on the wire, by number: 2 NS, 6 SOA, 16 TXT. */
  readonly raw?: Readonly<Record<number, readonly Buffer[]>>
  /** Answers for the name are marked as verified (AD, RFC 4035 §3.2.3). */
  readonly isVerified?: true
  /** Default 60. */
  readonly ttlSeconds?: number
}

/** By name, lower case, without the final dot. May be changed while the server runs. */
export type Zone = Record<string, ZoneRecords | ZoneFailure>

export interface DnsQuery {
  readonly name: string
  /** `A`, `AAAA`, `MX`, `PTR`, or the number as text. */
  readonly type: string
}

export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:port`, as the resolver's `servers` takes it. */
  readonly address: string
  readonly zone: Zone
  /** Every query that arrived, in order. */
  readonly queries: readonly DnsQuery[]
  readonly close: () => Promise<void>
}

interface Answer {
  readonly rcode: number
  readonly records: readonly Buffer[]
}

const types: Readonly<Record<number, string>> = { 1: 'A', 12: 'PTR', 15: 'MX', 28: 'AAAA' }
const rcodes: Readonly<Record<Exclude<ZoneFailure, 'silent'>, number>> = {
  servfail: 2,
  nxdomain: 3,
  refused: 5,
}

/** `port`: for programs that know 53 only, in a network of their own. */
export async function startDnsServer(zone: Zone = {}, port = 0): Promise<DnsServer> {
  const queries: DnsQuery[] = []
  const socket = createSocket('udp4')
  socket.on('message', (message, peer) => {
    const question = readQuestion(message)
    if (question === undefined) return
    queries.push({ name: question.name, type: question.type })
    const isUnchecked = ((message[3] ?? 0) & 0x10) !== 0
    const verified = isUnchecked ? undefined : verifiedOf(zone, question)
    const answer =
      verified === undefined ? lookUp(zone, question.name, question.type, 0) : failed(verified)
    if (answer === 'silent') return
    const entry = Object.hasOwn(zone, question.name) ? zone[question.name] : undefined
    const reply = encode(message, question.end, answer)
    if (typeof entry === 'object' && entry.isVerified === true) reply[3] = (reply[3] ?? 0) | 0x20
    socket.send(reply, peer.port, peer.address)
  })
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= new Promise((resolve) => socket.close(() => resolve()))
    return closing
  }
  return {
    address: `127.0.0.1:${socket.address().port}`,
    zone,
    queries,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function verifiedOf(zone: Zone, { name, type }: DnsQuery): ZoneFailure | undefined {
  const entry = type === 'MX' && Object.hasOwn(zone, name) ? zone[name] : undefined
  return typeof entry === 'object' ? entry.mxVerified : undefined
}

function lookUp(zone: Zone, name: string, type: string, depth: number): Answer | 'silent' {
  const entry = Object.hasOwn(zone, name) ? zone[name] : undefined
  if (entry === undefined) return { rcode: rcodes.nxdomain, records: [] }
  if (typeof entry === 'string') return failed(entry)
  const ttl = entry.ttlSeconds ?? 60
  if (entry.cname !== undefined) {
    const alias = record(name, 5, ttl, encodeName(entry.cname))
    const target = depth < 8 ? lookUp(zone, entry.cname, type, depth + 1) : failed('servfail')
    return target === 'silent' ? target : { ...target, records: [alias, ...target.records] }
  }
  const values = type === 'A' ? entry.a : type === 'AAAA' ? entry.aaaa : undefined
  if (typeof values === 'string') return failed(values)
  if (type === 'MX' && typeof entry.mx === 'string') return failed(entry.mx)
  if (type === 'PTR' && typeof entry.ptr === 'string') return failed(entry.ptr)
  return {
    rcode: 0,
    records: [
      ...addressRecords(name, ttl, values),
      ...mxRecords(name, ttl, entry, type),
      ...(entry.raw?.[Number(type)] ?? []).map((data) => record(name, Number(type), ttl, data)),
      ...ptrRecords(name, ttl, entry, type),
    ],
  }
}

function failed(failure: ZoneFailure): Answer | 'silent' {
  return failure === 'silent' ? failure : { rcode: rcodes[failure], records: [] }
}

function addressRecords(name: string, ttl: number, addresses: readonly string[] = []): Buffer[] {
  return addresses.map((address) => {
    const data = encodeAddress(address)
    return record(name, data.length === 4 ? 1 : 28, ttl, data)
  })
}

function mxRecords(name: string, ttl: number, { mx }: ZoneRecords, type: string): Buffer[] {
  if (type !== 'MX' || typeof mx === 'string') return []
  return (mx ?? []).map(([preference, exchange]) =>
    record(name, 15, ttl, Buffer.concat([uint16(preference), encodeName(exchange)])),
  )
}

function ptrRecords(name: string, ttl: number, { ptr }: ZoneRecords, type: string): Buffer[] {
  if (type !== 'PTR' || typeof ptr === 'string') return []
  return (ptr ?? []).map((target) => record(name, 12, ttl, encodeName(target)))
}

/** The one question of a query (RFC 1035 §4.1.2); undefined for what is no query. */
function readQuestion(message: Buffer): { name: string; type: string; end: number } | undefined {
  const labels: string[] = []
  let offset = 12
  for (;;) {
    const length = message[offset]
    if (length === undefined || length > 63) return undefined
    offset += 1
    if (length === 0) break
    labels.push(message.toString('latin1', offset, offset + length).toLowerCase())
    offset += length
  }
  if (message.length < offset + 4) return undefined
  const type = message.readUInt16BE(offset)
  return { name: labels.join('.'), type: types[type] ?? String(type), end: offset + 4 }
}

/** Header and question as asked, then the answer section; QR, AA, RD, RA set (RFC 1035 §4.1.1). */
function encode(query: Buffer, questionEnd: number, { rcode, records }: Answer): Buffer {
  const head = Buffer.from(query.subarray(0, questionEnd))
  head.writeUInt16BE(0x8580 | rcode, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  return Buffer.concat([head, ...records])
}

function record(name: string, type: number, ttl: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(type, 0)
  fixed.writeUInt16BE(1, 2)
  fixed.writeUInt32BE(ttl, 4)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([encodeName(name), fixed, data])
}

function encodeName(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.')
  const parts = labels.map((label) =>
    Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')]),
  )
  return Buffer.concat([...parts, Buffer.of(0)])
}

function encodeAddress(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail] = address.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const [left, right] = [groups(head), groups(tail ?? '')]
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  return Buffer.concat(
    [...left, ...zeros, ...right].map((group) => uint16(Number.parseInt(group, 16))),
  )
}

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 255)
}
