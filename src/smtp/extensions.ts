// What a server offers in its reply to EHLO (RFC 5321 §4.1.1.1).

/** Keywords a relay acts on, and all of them as they came, for showing. */
export interface Extensions {
  readonly pipelining: boolean
  readonly eightBitMime: boolean
  readonly smtpUtf8: boolean
  readonly startTls: boolean
  readonly enhancedStatusCodes: boolean
  readonly chunking: boolean
  /** Names of the attributes of XCLIENT, upper case; empty: it is not offered. */
  readonly xclient: readonly string[]
  /** Offered limit in bytes; 0: SIZE without a limit (RFC 1870 §4); null: SIZE not offered. */
  readonly size: number | null
  /** `KEYWORD params` lines as they came, the greeting line left out. */
  readonly keywords: readonly string[]
}

export const noExtensions: Extensions = Object.freeze({
  pipelining: false,
  eightBitMime: false,
  smtpUtf8: false,
  startTls: false,
  enhancedStatusCodes: false,
  chunking: false,
  xclient: [],
  size: null,
  keywords: [],
})

/** `lines` are the lines of the EHLO reply without code; the first is the greeting. */
export function parseExtensions(lines: readonly string[]): Extensions {
  const keywords = lines.slice(1)
  const parameters = new Map<string, string>()
  for (const line of keywords) {
    const [keyword = '', ...rest] = line.trim().split(/[ =]+/) // `AUTH=PLAIN` of old servers too
    parameters.set(keyword.toUpperCase(), rest.join(' '))
  }
  const size = parameters.get('SIZE')
  return {
    pipelining: parameters.has('PIPELINING'),
    eightBitMime: parameters.has('8BITMIME'),
    smtpUtf8: parameters.has('SMTPUTF8'),
    startTls: parameters.has('STARTTLS'),
    enhancedStatusCodes: parameters.has('ENHANCEDSTATUSCODES'),
    chunking: parameters.has('CHUNKING'),
    xclient: words(parameters.get('XCLIENT')),
    size: size === undefined ? null : parseSizeLimit(size),
    keywords,
  }
}

function words(text: string | undefined): readonly string[] {
  return text === undefined || text === '' ? [] : text.toUpperCase().split(' ')
}

function parseSizeLimit(text: string): number {
  const bytes = /^\d{1,15}$/.test(text) ? Number(text) : 0
  return bytes
}
