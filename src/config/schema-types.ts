// The kinds of value a configuration file may hold, each with a message that says what was expected,
// what stood there and what to write instead.

import { z } from 'zod'
import { formatDuration, formatSize, parseDuration, parseSize } from '#base/units.ts'
import { cleanLine } from '#base/text.ts'
import { parseNetwork } from '#base/network.ts'
import { success, type Result } from '#base/result.ts'
import { defaultOf } from './defaults.ts'

/** How a size and a duration are written; the editor's schema has them, and the manual names them. */
export const sizePattern = '^[0-9]{1,15}(\\.[0-9]{1,3})? ?(B|KiB|MiB|GiB)$'
export const durationPattern = '^[0-9]{1,15}(\\.[0-9]{1,3})? ?(ms|s|min|h|d)$'

/** Milliseconds. */
export const second = 1000
export const minute = 60_000
export const hour = 3_600_000
export const day = 86_400_000

/** Bytes. */
export const kibibyte = 1024
export const mebibyte = 1_048_576
export const gibibyte = 1_073_741_824

interface Range {
  readonly min: number
  readonly max: number
}

/** A key that may be left out. */
export function key<Value>(
  name: string,
  type: z.ZodType<Value>,
  description: string,
): z.ZodType<Value> {
  const { value, derived } = defaultOf(name)
  const described = type.describe(description)
  // A derived default is filled in when the keys it depends on are known.
  return derived === undefined ? described.prefault(value) : described
}

/** Bytes. */
export function size(range: Range): z.ZodType<number> {
  return quantity({
    ...range,
    expected: 'a size such as 50MiB, 256KiB or 512B',
    pattern: sizePattern,
    parse: parseSize,
    format: formatSize,
  })
}

/** Milliseconds. */
export function duration(range: Range): z.ZodType<number> {
  return quantity({
    ...range,
    expected: 'a duration such as 250ms, 30s, 5min, 24h or 31d',
    pattern: durationPattern,
    parse: parseDuration,
    format: formatDuration,
  })
}

export function count(range: Range): z.ZodType<number> {
  const expected = `a whole number from ${range.min} to ${range.max}`
  return z.int(wrong(expected)).min(range.min, wrong(expected)).max(range.max, wrong(expected))
}

export function text(expected: string): z.ZodString {
  return z.string(wrong(expected)).min(1, wrong(expected)).max(1000, 'is too long')
}

/** Text that a parser of ours understands; `value` of its result is what the program gets. */
export function parsedText(
  expected: string,
  parse: (text: string) => Result<string>,
): z.ZodType<string> {
  return text(expected).transform((written, context) => {
    const parsed = parse(written)
    if (parsed.ok) return parsed.value
    context.addIssue({ code: 'custom', message: `${parsed.problem}, in ${quote(written)}` })
    return z.NEVER
  })
}

/** A path as written; it is made absolute where the folder of the file is known. */
export function path(what: string): z.ZodType<string> {
  return text(`the path of ${what}`).refine((written) => !written.includes('\0'), {
    message: 'a path cannot contain a null character',
  })
}

export function ipAddress(): z.ZodType<string> {
  const expected = 'an IPv4 or IPv6 address such as 0.0.0.0, 127.0.0.1 or "::1"'
  return z.union([z.ipv4(), z.ipv6()], wrong(expected))
}

/** One address, or a network in CIDR notation. */
export function network(): z.ZodType<string> {
  return parsedText('an IP address or a network such as 192.0.2.0/24', (written) => {
    const parsed = parseNetwork(written)
    return parsed.ok ? success(parsed.value.text) : parsed
  })
}

/** A mapping with exactly these keys. */
export function section<const Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  // An unknown key keeps the library's own issue: its message needs the known keys around it.
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? undefined : explain('a mapping of keys', issue.input),
  })
}

/** In the form the schema library takes it. */
export interface Message {
  readonly error: (issue: { readonly input?: unknown }) => string
}

/** The message for a value that is missing or of another type. */
export function wrong(expected: string): Message {
  return { error: ({ input }) => explain(expected, input) }
}

function explain(expected: string, input: unknown): string {
  return input === undefined
    ? `missing; expected ${expected}`
    : `expected ${expected}, not ${show(input)}`
}

interface QuantityRules extends Range {
  readonly expected: string
  readonly pattern: string
  readonly parse: (text: string) => Result<number>
  readonly format: (value: number) => string
}

function quantity(rules: QuantityRules): z.ZodType<number> {
  const { min, max, expected, pattern, parse, format } = rules
  return z
    .string({
      error: ({ input }) =>
        typeof input === 'number'
          ? `the number ${input} has no unit; expected ${expected}`
          : explain(expected, input),
    })
    .meta({ pattern })
    .transform((written, context) => {
      const parsed = parse(written)
      if (parsed.ok && parsed.value >= min && parsed.value <= max) return parsed.value
      const message = parsed.ok
        ? `must be from ${format(min)} to ${format(max)}, not ${quote(written)}`
        : `${parsed.problem}, not ${quote(written)}`
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })
}

/** What stands in the file, short and fit for a terminal. */
function show(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return `a ${typeof value}`
}

function quote(value: string): string {
  return `"${cleanLine(value, 60)}"`
}
