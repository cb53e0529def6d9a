// Untrusted values (a YAML file, a row of the store) become a domain document: shape and bounds only.
// What the strings mean is checked by createServedDomain.

import * as z from 'zod'
import { failure, success, type Result } from '#base/result.ts'
import { cleanLine, nearestWord } from '#base/text.ts'
import type { MeasuredProfile } from './registry.ts'
import type { DomainDocument, DomainProblem } from './served-domain.ts'
import { maxCaLength, maxNameCount, maxPinCount } from './tls-trust.ts'

/** For people and for terminals: one line without control characters, no longer than a screen or two. */
const line = z
  .string({ error: 'expected text' })
  .max(300, 'at most 300 characters')
  .refine((text) => cleanLine(text, 300) === text, 'control characters are not allowed')

function oneOrMore(what: string, maxCount: number): z.ZodType<string[]> {
  return z.union(
    [z.string().transform((text) => [text]), z.array(z.string()).min(1).max(maxCount)],
    {
      error: `expected ${what}, or a list of 1 to ${maxCount} of them`,
    },
  )
}

const trueOrFalse = z.boolean({ error: 'expected true or false' })

function wholeNumber(least: number, most: number): z.ZodInt {
  return z
    .int(`expected a whole number from ${least} to ${most}`)
    .min(least, `at least ${least}`)
    .max(most, `at most ${most}`)
}

/** RFC 5321 §4.5.3.1.6: so much has to be taken, without CR LF. */
const minLineBytes = 998

const endpoints = oneOrMore('an endpoint such as mail.inst.example:25', 16)

const replyPattern = z.strictObject({
  text: line.min(1, 'expected text'),
  means: z.enum(['no-such-mailbox', 'other'], { error: 'expected no-such-mailbox or other' }),
})

const schema = z.strictObject({
  domain: z.string({ error: 'expected a domain name' }),
  to: endpoints,
  callout: endpoints.exactOptional(),
  tls: z
    .enum(['opportunistic', 'verify', 'pin', 'none'], {
      error: 'expected opportunistic, verify, pin or none',
    })
    .exactOptional(),
  tlsNames: oneOrMore('a name such as mail.inst.example', maxNameCount).exactOptional(),
  tlsCa: z
    .string({ error: 'expected PEM certificates' })
    .max(maxCaLength, `at most ${maxCaLength} characters`)
    .exactOptional(),
  tlsPins: oneOrMore('a pin such as sha256//BASE64', maxPinCount).exactOptional(),
  xclient: z.literal(true, { error: 'expected true, or nothing' }).exactOptional(),
  maxSize: z.string({ error: 'expected a size such as 50MiB' }).exactOptional(),
  smtpUtf8: trueOrFalse.exactOptional(),
  eightBitMime: trueOrFalse.exactOptional(),
  maxConnections: wholeNumber(1, 1000).exactOptional(),
  mailsPerConnection: wholeNumber(1, 100_000).exactOptional(),
  calloutSender: z
    .enum(['null-path', 'mailbox'], { error: 'expected null-path or mailbox' })
    .exactOptional(),
  refusesAtData: trueOrFalse.exactOptional(),
  maxLine: wholeNumber(minLineBytes, 1_000_000).exactOptional(),
  subaddressSeparator: z.string({ error: 'expected one character such as +' }).exactOptional(),
  replyPatterns: z.array(replyPattern).max(64, 'at most 64 patterns').exactOptional(),
  suspended: z
    .union([line, z.literal(true)], { error: 'expected a reason, or true' })
    .exactOptional(),
  contact: line.exactOptional(),
})

/** `to`, `callout`, `tlsNames` and `tlsPins` may be one text or a list. Every problem is returned, with its place. */
export function parseDomainDocument(
  value: unknown,
): Result<DomainDocument, readonly [DomainProblem, ...DomainProblem[]]> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return success(parsed.data)
  const [first = { path: [], text: 'not a domain' }, ...rest] =
    parsed.error.issues.flatMap(describe)
  return failure([first, ...rest])
}

/** What `served_domain.measured` holds. Bounded like what is set by hand. */
const measuredSchema = z.strictObject({
  server: line,
  atMs: z.number(),
  profile: z.strictObject({
    maxMessageBytes: z.int().min(1).nullable(),
    takesSmtpUtf8: z.boolean().nullable(),
    takes8BitMime: z.boolean().nullable(),
    maxConnectionCount: wholeNumber(1, 1000).nullable(),
    maxMailsPerConnection: wholeNumber(1, 100_000).nullable(),
    calloutSender: z.enum(['null', 'mailbox']).nullable(),
    refusesAtData: z.boolean().nullable(),
    maxLineBytes: wholeNumber(minLineBytes, 1_000_000).nullable(),
  }),
  maxRefusalsPerConnection: wholeNumber(1, 1000).nullable().optional(),
})

export function parseMeasured(value: unknown): Result<MeasuredProfile, DomainProblem> {
  const parsed = measuredSchema.safeParse(value)
  if (parsed.success) return success(parsed.data)
  const [first = { path: [], text: 'not a measurement' }] = parsed.error.issues.flatMap(describe)
  return failure({ ...first, path: ['measured', ...first.path] })
}

function describe(issue: z.core.$ZodIssue): readonly DomainProblem[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code !== 'unrecognized_keys') return [{ path, text: issue.message }]
  return issue.keys.map((key) => ({ path: [...path, key], text: unknownKey(key, path) }))
}

function unknownKey(key: string, path: readonly (string | number)[]): string {
  const known = Object.keys(path.length === 0 ? schema.shape : replyPattern.shape)
  const nearest = nearestWord(key, known)
  const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`
  return `unknown key ${JSON.stringify(cleanLine(key, 60))}; ${hint}`
}
