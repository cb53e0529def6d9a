// As much of MIME (RFC 2045, RFC 2046) as is needed to find a delivery report in a mail. Everything here is linear in
// its input and bounded, never throws, and takes the lines of any program: the input is hostile.

export interface Entity {
  /** Lower case, without parameters: `multipart/report`. */
  readonly type: string
  /** The text of a field, unfolded, or ''. `name` in lower case. */
  readonly field: (name: string) => string
  /** As it came, in latin1, lines ending in LF. */
  readonly body: string
}

const maxFieldCount = 500
const maxPartCount = 40
const maxDepth = 4

/** `text` is latin1 and its lines end in LF. */
export function parseEntity(text: string): Entity {
  const end = text.startsWith('\n') ? 0 : text.indexOf('\n\n')
  const fields = parseFields(end < 0 ? text : text.slice(0, end))
  const field = (name: string): string => fields.get(name) ?? ''
  return {
    type: /^\s*([\w-]+\/[\w.+-]+)/.exec(field('content-type'))?.[1]?.toLowerCase() ?? 'text/plain',
    field,
    body: end < 0 ? '' : text.slice(end === 0 ? 1 : end + 2),
  }
}

/** Of several fields of a name the first one counts. */
export function parseFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  let name = ''
  let value: string[] = []
  const keep = (): void => {
    if (name !== '' && !fields.has(name)) fields.set(name, value.join(' ').trim())
  }
  for (const line of text.split('\n', maxFieldCount)) {
    if (line.startsWith(' ') || line.startsWith('\t')) {
      value.push(line.trim())
      continue
    }
    keep()
    const colon = line.indexOf(':')
    name = colon < 0 ? '' : line.slice(0, colon).trim().toLowerCase()
    value = [line.slice(colon + 1).trim()]
  }
  keep()
  return fields
}

/** A parameter of Content-Type such as `boundary`, or ''. */
export function parameterOf(entity: Entity, name: string): string {
  const match = new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]{0,200})"|([^\\s;]{1,200}))`, 'i').exec(
    entity.field('content-type'),
  )
  return match?.[1] ?? match?.[2] ?? ''
}

/** The entity, and what is inside of it, outermost first. A message that is attached is not looked into. */
export function entitiesOf(entity: Entity): readonly Entity[] {
  const found: Entity[] = []
  const visit = (each: Entity, depth: number): void => {
    if (found.length >= maxPartCount) return
    found.push(each)
    if (depth < maxDepth && each.type.startsWith('multipart/')) {
      for (const part of partsOf(each)) visit(part, depth + 1)
    }
  }
  visit(entity, 1)
  return found
}

function partsOf(entity: Entity): readonly Entity[] {
  const boundary = parameterOf(entity, 'boundary')
  if (boundary === '') return []
  const mark = `\n--${boundary}`
  const parts: Entity[] = []
  const text = `\n${entity.body}`
  let start = text.indexOf(mark)
  while (start >= 0 && parts.length < maxPartCount) {
    const lineEnd = text.indexOf('\n', start + mark.length)
    if (lineEnd < 0 || text.startsWith('--', start + mark.length)) break
    const next = text.indexOf(mark, lineEnd)
    // The line end in front of a boundary belongs to the boundary; a cut mail has no last one.
    parts.push(parseEntity(text.slice(lineEnd + 1, next < 0 ? text.length : next)))
    start = next
  }
  return parts
}

/** The body without its transfer encoding, in latin1. */
export function decodedBody(entity: Entity): string {
  switch (entity.field('content-transfer-encoding').toLowerCase()) {
    case 'base64':
      return Buffer.from(entity.body, 'base64').toString('latin1').replaceAll('\r\n', '\n')
    case 'quoted-printable':
      return decodeQuoted(entity.body.replaceAll(/=[ \t]*\n/g, ''))
    default:
      return entity.body
  }
}

function decodeQuoted(text: string): string {
  return text.replaceAll(/=([\da-f]{2})/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
}

/** The words of a field that may have encoded ones (RFC 2047). Charsets other than UTF-8 are taken for latin1. */
export function decodeWords(value: string): string {
  return value
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(
      /=\?([\w-]{1,40})(?:\*[\w-]{1,20})?\?([bq])\?([^?\s]{0,200})\?=/gi,
      (_, charset: string, encoding: string, text: string) => {
        const octets =
          encoding.toLowerCase() === 'b'
            ? Buffer.from(text, 'base64')
            : Buffer.from(decodeQuoted(text.replaceAll('_', ' ')), 'latin1')
        return octets.toString(/^utf-?8$/i.test(charset) ? 'utf8' : 'latin1')
      },
    )
}
