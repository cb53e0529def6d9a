// Parses one command line (RFC 5321 §4.1). Verbs and keywords are case-insensitive (§2.4).

import { failure, success, type Result } from '#base/result.ts'
import type { Command, CommandProblem, MailParameters, Verb } from './command.ts'
import type { DecodedLine } from './line-decoder.ts'
import { parseMailbox, splitPath } from './parse-path.ts'
import { isAscii, type ForwardPath, type ReversePath } from './path.ts'

type Parsed = Result<Command, CommandProblem>

/** A line as it came off the wire. Never throws, linear in the length of the line. */
export function parseLine(line: DecodedLine): Parsed {
  if (line.kind === 'line') return parseCommand(line.text)
  return foreign(line.text, firstWord(line.text)) ?? failure(line.problem)
}

/** `line` is without its CR LF. Never throws, linear in the length of the line. */
export function parseCommand(line: string): Parsed {
  const word = firstWord(line)
  const parse = parsers.get(word) ?? parsers.get(upperCase(word))
  if (parse === undefined) return foreign(line, word) ?? unknownVerb
  return parse(line.slice(word.length + 1))
}

function firstWord(line: string): string {
  const space = line.indexOf(' ')
  return space < 0 ? line : line.slice(0, space)
}

const parsers: ReadonlyMap<string, (argument: string) => Parsed> = new Map<
  Verb,
  (argument: string) => Parsed
>([
  ['EHLO', (argument) => greeting('EHLO', argument)],
  ['HELO', (argument) => greeting('HELO', argument)],
  ['MAIL', parseMail],
  ['RCPT', parseRcpt],
  ['DATA', bare({ verb: 'DATA' })],
  ['BDAT', parseBdat],
  ['RSET', bare({ verb: 'RSET' })],
  ['QUIT', bare({ verb: 'QUIT' })],
  ['STARTTLS', bare({ verb: 'STARTTLS' })],
  ['NOOP', () => success({ verb: 'NOOP' })], // its argument is ignored (§4.1.1.9)
  ['VRFY', (argument) => needsArgument({ verb: 'VRFY' }, argument)],
  ['EXPN', (argument) => needsArgument({ verb: 'EXPN' }, argument)],
  ['HELP', () => success({ verb: 'HELP' })],
])

/**
 * Words of HTTP, header fields, and what begins with anything but a letter (TLS, for one). A browser or a
 * proxy that is made to send such lines may be made to send commands behind them; Postfix ends these
 * sessions as well (smtpd_forbidden_commands).
 */
const otherLanguage =
  /^(?:CONNECT|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT|TRACE)$|^[^A-Za-z]|^[!-9;-~]+:/i

/** However broken it is: behind a BDAT comes content, which must not be read as commands. */
const bdatWord = /^\s*bdat\b/i

/** The problem of a line after which nothing may be read as commands; null: it is only wrong itself. */
function foreign(line: string, word: string): Result<never, CommandProblem> | null {
  if (bdatWord.test(line)) return badChunk
  return otherLanguage.test(word) ? notSmtp : null
}

const badChunk = problem('bad-chunk', 'BDAT needs a number of octets, then maybe LAST')
const notSmtp = problem('not-smtp', 'this is not SMTP')
const unknownVerb = problem('unknown-verb', 'command not recognised')

/** ASCII letters only: with Unicode's rules a dotless i would make a MAIL. */
function upperCase(word: string): string {
  return word.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
}

function problem(kind: CommandProblem['kind'], detail: string): Result<never, CommandProblem> {
  return failure({ kind, detail })
}

function bare(command: Command): (argument: string) => Parsed {
  const parsed = success(command)
  const refused = problem('syntax', `${command.verb} takes no argument`)
  return (argument) => (argument.trim() === '' ? parsed : refused)
}

function needsArgument(command: Command, argument: string): Parsed {
  return argument.trim() === ''
    ? problem('syntax', `${command.verb} needs an argument`)
    : success(command)
}

/**
 * The name is checked for being one printable word only: it is a claim, and clients with odd names
 * deliver real mail (RFC 5321 §4.1.4: never refuse because of it alone).
 */
function greeting(verb: 'EHLO' | 'HELO', argument: string): Parsed {
  const name = argument.trim()
  if (name === '') return problem('syntax', `${verb} needs your host name`)
  if (name.length > 255 || !/^[!-~\u00a0-\uffff]+$/.test(name)) {
    return problem('syntax', `the host name after ${verb} is malformed`)
  }
  return success({ verb, name })
}

function parseMail(argument: string): Parsed {
  if (!startsWithKeyword(argument, 'FROM:'))
    return problem('syntax', 'MAIL FROM:<address> expected')
  const path = splitPath(argument.slice(5))
  if (!path.ok) return problem('bad-sender', path.problem)
  const parameters = parseMailParameters(path.value.rest)
  if (!parameters.ok) return parameters
  const reversePath = parseReversePath(path.value.inner)
  if (!reversePath.ok) return problem('bad-sender', reversePath.problem)
  if (!parameters.value.isSmtpUtf8 && !isAscii(path.value.inner)) return asciiOnly
  return success({ verb: 'MAIL', reversePath: reversePath.value, parameters: parameters.value })
}

function parseRcpt(argument: string): Parsed {
  if (!startsWithKeyword(argument, 'TO:')) return problem('syntax', 'RCPT TO:<address> expected')
  const path = splitPath(argument.slice(3))
  if (!path.ok) return problem('bad-recipient', path.problem)
  if (path.value.rest.trim() !== '') {
    return problem('unsupported-parameter', 'parameters of RCPT are not supported')
  }
  const forwardPath = parseForwardPath(path.value.inner)
  if (!forwardPath.ok) return problem('bad-recipient', forwardPath.problem)
  return success({ verb: 'RCPT', forwardPath: forwardPath.value })
}

const chunkArgument = /^ *(\d{1,20})(?: +(last))? *$/i

function parseBdat(argument: string): Parsed {
  const match = chunkArgument.exec(argument)
  const sizeBytes = Number(match?.[1])
  // More than can be counted exactly is more than anybody sends.
  if (match === null || !Number.isSafeInteger(sizeBytes)) return badChunk
  return success({ verb: 'BDAT', sizeBytes, isLast: match[2] !== undefined })
}

const asciiOnly = problem('non-ascii', 'a non-ASCII address needs SMTPUTF8')

function startsWithKeyword(argument: string, keyword: string): boolean {
  return argument.startsWith(keyword) || upperCase(argument.slice(0, keyword.length)) === keyword
}

function parseReversePath(inner: string): Result<ReversePath> {
  if (inner === '') return success({ kind: 'null' })
  const mailbox = parseMailbox(inner)
  return mailbox.ok ? success({ kind: 'mailbox', mailbox: mailbox.value }) : mailbox
}

function parseForwardPath(inner: string): Result<ForwardPath> {
  if (inner.toLowerCase() === 'postmaster') return success({ kind: 'postmaster' })
  const mailbox = parseMailbox(inner)
  return mailbox.ok ? success({ kind: 'mailbox', mailbox: mailbox.value }) : mailbox
}

const noParameters: MailParameters = Object.freeze({
  sizeBytes: null,
  is8BitMime: false,
  isSmtpUtf8: false,
})

function parseMailParameters(text: string): Result<MailParameters, CommandProblem> {
  if (text === '') return success(noParameters)
  let parameters = noParameters
  const seen = new Set<string>()
  for (const word of text.split(' ')) {
    if (word === '') continue
    const equals = word.indexOf('=')
    const keyword = upperCase(equals < 0 ? word : word.slice(0, equals))
    if (seen.has(keyword)) return problem('syntax', `${keyword} given twice`.slice(0, 80))
    seen.add(keyword)
    const next = withParameter(parameters, keyword, equals < 0 ? null : word.slice(equals + 1))
    if (!next.ok) return next
    parameters = next.value
  }
  return success(parameters)
}

function withParameter(
  parameters: MailParameters,
  keyword: string,
  value: string | null,
): Result<MailParameters, CommandProblem> {
  switch (keyword) {
    case 'SIZE':
      // RFC 1870 §4: at most 20 digits; more than a safe integer is more than any limit of ours.
      if (value === null || !/^\d{1,20}$/.test(value))
        return problem('syntax', 'SIZE needs a number')
      return success({ ...parameters, sizeBytes: Math.min(Number(value), Number.MAX_SAFE_INTEGER) })
    case 'BODY': {
      const body = value === null ? null : upperCase(value)
      if (body === '8BITMIME') return success({ ...parameters, is8BitMime: true })
      if (body === '7BIT') return success(parameters)
      return problem('unsupported-parameter', 'BODY must be 7BIT or 8BITMIME')
    }
    case 'SMTPUTF8':
      return value === null
        ? success({ ...parameters, isSmtpUtf8: true })
        : problem('syntax', 'SMTPUTF8 takes no value')
    default:
      return problem('unsupported-parameter', 'unsupported parameter of MAIL')
  }
}
