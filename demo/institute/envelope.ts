// Reads MAIL and RCPT for the embedded institute server: enough grammar to be honest, no more.

/** A quoted local part may hold `>`. The alternatives exclude each other, so there is no backtracking. */
const mailCommand = /^MAIL FROM: ?<((?:"(?:[^"\\]|\\.)*"|[^">])*)>(?: +(.*))?$/i
const rcptCommand = /^RCPT TO: ?<((?:"(?:[^"\\]|\\.)*"|[^">])+)>(?: +(.*))?$/i

export interface PathCommand {
  /** Without angle brackets. */
  readonly path: string
  /** As written, '' when there were none. */
  readonly parameterText: string
  /** By upper-case keyword. */
  readonly parameters: ReadonlyMap<string, string>
}

export function parseMail(line: string): PathCommand | null {
  return toPathCommand(mailCommand.exec(line))
}

export function parseRcpt(line: string): PathCommand | null {
  return toPathCommand(rcptCommand.exec(line))
}

function toPathCommand(match: RegExpExecArray | null): PathCommand | null {
  if (match === null) return null
  const parameterText = (match[2] ?? '').trim()
  const parameters = new Map<string, string>()
  for (const parameter of parameterText.split(/ +/).filter((text) => text !== '')) {
    const [keyword = '', ...value] = parameter.split('=')
    parameters.set(keyword.toUpperCase(), value.join('='))
  }
  return { path: match[1] ?? '', parameterText, parameters }
}

export function isAsciiText(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}
