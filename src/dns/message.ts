// DNS messages: a question out, an answer in (RFC 1035 §4.1). What is malformed is no answer.

export type RecordType =
  | 'A'
  | 'NS'
  | 'CNAME'
  | 'SOA'
  | 'MX'
  | 'TXT'
  | 'AAAA'
  | 'DS'
  | 'TLSA'
  | 'CAA'

const numbers: Readonly<Record<RecordType, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  DS: 43,
  TLSA: 52,
  CAA: 257,
}

export interface DnsRecord {
  /** Lower case, without the final dot. */
  readonly name: string
  readonly type: RecordType
  readonly ttlSeconds: number
  /**
   * A name in lower case without the final dot, an address, the joined strings of TXT, the serial of SOA,
   * tag and value of CAA, else hexadecimal. Of MX it is the exchange.
   */
  readonly value: string
  /** Of MX, else 0. */
  readonly preference: number
}

export interface DnsMessage {
  /** 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED. */
  readonly rcode: number
  readonly isAuthoritative: boolean
  /** AD (RFC 4035 §3.2.3): worth as much as the server and the way to it. */
  readonly isAuthenticated: boolean
  readonly isTruncated: boolean
  readonly answers: readonly DnsRecord[]
}

const udpBytes = 4096
const maxRecordCount = 200

/** Null: not a name that fits. */
export function encodeQuestion(
  id: number,
  name: string,
  type: RecordType,
  isRecursive: boolean,
  isCheckingDisabled: boolean = false,
): Buffer | null {
  const labels = name === '' ? [] : name.split('.')
  if (name.length > 253 || labels.some((label) => label === '' || label.length > 63)) return null
  const head = Buffer.alloc(12)
  head.writeUInt16BE(id, 0)
  // AD in a question asks for AD in the answer (RFC 6840 §5.7).
  // CD (RFC 4035 §3.2.2): the resolver hands out what it would not believe.
  head.writeUInt16BE((isRecursive ? 0x0100 : 0) | 0x0020 | (isCheckingDisabled ? 0x0010 : 0), 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(1, 10)
  const parts = labels.map((label) =>
    Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')]),
  )
  const tail = Buffer.alloc(5)
  tail.writeUInt16BE(numbers[type], 1)
  tail.writeUInt16BE(1, 3)
  const options = Buffer.alloc(11) // OPT: root, type 41, our size, no options
  options.writeUInt16BE(41, 1)
  options.writeUInt16BE(udpBytes, 3)
  return Buffer.concat([head, ...parts, tail, options])
}

/** Null: malformed, or not the answer to that question. */
export function decodeMessage(
  bytes: Buffer,
  id: number,
  name: string,
  type: RecordType,
): DnsMessage | null {
  try {
    return decode(bytes, id, name, type)
  } catch (error) {
    if (error instanceof RangeError) return null // read beyond the end
    throw error
  }
}

function decode(bytes: Buffer, id: number, name: string, type: RecordType): DnsMessage | null {
  const flags = bytes.readUInt16BE(2)
  const isAnswer =
    bytes.readUInt16BE(0) === id && (flags & 0x8000) !== 0 && bytes.readUInt16BE(4) === 1
  if (!isAnswer) return null
  const asked = readName(bytes, 12)
  if (asked.name !== name.toLowerCase() || bytes.readUInt16BE(asked.end) !== numbers[type])
    return null
  const answers: DnsRecord[] = []
  let offset = asked.end + 4
  const count = Math.min(bytes.readUInt16BE(6), maxRecordCount)
  for (let index = 0; index < count; index += 1) {
    const owner = readName(bytes, offset)
    const start = owner.end + 10
    const end = start + bytes.readUInt16BE(owner.end + 8)
    if (end > bytes.length) throw new RangeError('record beyond the end')
    const found = typeOf(bytes.readUInt16BE(owner.end))
    if (found !== undefined) {
      const ttlSeconds = bytes.readUInt32BE(owner.end + 4)
      answers.push({
        name: owner.name,
        type: found,
        ttlSeconds,
        ...dataOf(bytes, found, start, end),
      })
    }
    offset = end
  }
  return {
    rcode: flags & 0x000f,
    isAuthoritative: (flags & 0x0400) !== 0,
    isAuthenticated: (flags & 0x0020) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    answers,
  }
}

function typeOf(number: number): RecordType | undefined {
  return (Object.keys(numbers) as RecordType[]).find((type) => numbers[type] === number)
}

function dataOf(
  bytes: Buffer,
  type: RecordType,
  start: number,
  end: number,
): Pick<DnsRecord, 'value' | 'preference'> {
  switch (type) {
    case 'A':
      requireSize(end - start, 4)
      return { value: [...bytes.subarray(start, end)].join('.'), preference: 0 }
    case 'AAAA':
      requireSize(end - start, 16)
      return { value: addressText(bytes.subarray(start, end)), preference: 0 }
    case 'NS':
    case 'CNAME':
      return { value: nameWithin(bytes, start, end).name, preference: 0 }
    case 'MX':
      return {
        value: nameWithin(bytes, start + 2, end).name,
        preference: bytes.readUInt16BE(start),
      }
    case 'SOA': {
      const serial = nameWithin(bytes, nameWithin(bytes, start, end).end, end).end
      if (serial + 4 > end) throw new RangeError('serial beyond the record')
      return { value: String(bytes.readUInt32BE(serial)), preference: 0 }
    }
    case 'TXT':
      return { value: strings(bytes.subarray(start, end)), preference: 0 }
    case 'CAA': {
      const tagEnd = start + 2 + bytes.readUInt8(start + 1)
      if (tagEnd > end) throw new RangeError('a tag beyond its record')
      const tag = bytes.toString('latin1', start + 2, tagEnd)
      return { value: `${tag} ${bytes.toString('latin1', tagEnd, end)}`, preference: 0 }
    }
    case 'DS':
    case 'TLSA':
      return { value: bytes.toString('hex', start, end), preference: 0 }
  }
}

function requireSize(actualBytes: number, bytes: number): void {
  if (actualBytes !== bytes) throw new RangeError('an address of another size')
}

/** One that a record has: what stands behind the record is not its own. */
function nameWithin(
  bytes: Buffer,
  start: number,
  recordEnd: number,
): { readonly name: string; readonly end: number } {
  const found = readName(bytes, start)
  if (found.end > recordEnd) throw new RangeError('a name beyond its record')
  return found
}

function addressText(data: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => data.readUInt16BE(2 * index).toString(16))
  return URL.parse(`http://[${groups.join(':')}]`)?.hostname.slice(1, -1) ?? groups.join(':')
}

function strings(data: Buffer): string {
  let text = ''
  for (let offset = 0; offset < data.length;) {
    const length = data.readUInt8(offset)
    if (offset + 1 + length > data.length) throw new RangeError('a string beyond its record')
    text += data.toString('latin1', offset + 1, offset + 1 + length)
    offset += 1 + length
  }
  return text
}

/** Follows pointers, each only backwards, so that there is an end (RFC 1035 §4.1.4). */
function readName(bytes: Buffer, from: number): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let offset = from
  let end: number | null = null
  let totalBytes = 0
  let limit = bytes.length
  for (;;) {
    const length = bytes.readUInt8(offset)
    if (length >= 0xc0) {
      end ??= offset + 2
      const target = bytes.readUInt16BE(offset) & 0x3fff
      if (target >= Math.min(offset, limit)) throw new RangeError('pointer forwards')
      limit = target
      offset = target
    } else if (length === 0) {
      return { name: labels.join('.').toLowerCase(), end: end ?? offset + 1 }
    } else {
      totalBytes += length + 1
      // RFC 1035 §3.1
      if (length > 63 || totalBytes > 254) throw new RangeError('name too long')
      labels.push(bytes.toString('latin1', offset + 1, offset + 1 + length))
      offset += 1 + length
    }
  }
}
