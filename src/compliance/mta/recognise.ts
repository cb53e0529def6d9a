// Which program is it? From its banner, its keywords and its wording; several when they fit equally.

export const mtas = ['postfix', 'exim', 'exchange', 'sendmail', 'courier', 'opensmtpd'] as const
export type Mta = (typeof mtas)[number]

export const mtaNames: Readonly<Record<Mta, string>> = {
  postfix: 'Postfix',
  exim: 'Exim',
  exchange: 'Exchange',
  sendmail: 'sendmail',
  courier: 'Courier',
  opensmtpd: 'OpenSMTPD',
}

export interface Recognition {
  /** Null: unsure. */
  readonly mta: Mta | null
  /** What it was recognised by, one cleaned line of the server. */
  readonly by: string | null
}

/** A name in the banner weighs more than a turn of phrase, which others may share. */
const signs: readonly (readonly [mta: Mta, sign: RegExp, weight: number])[] = [
  ['postfix', /^220[ -].*\bPostfix\b/i, 10],
  ['exim', /^220[ -].*\bExim\b/i, 10],
  ['exchange', /^220[ -].*Microsoft ESMTP/i, 10],
  ['sendmail', /^220[ -].*\bSendmail\b/i, 10],
  ['courier', /^220[ -].*\bESMTP$/, 1],
  ['courier', /^220[ -].*Courier/i, 10],
  ['opensmtpd', /^220[ -].*OpenSMTPD/i, 10],
  ['exchange', /^250[ -](?:X-EXPS|X-ANONYMOUSTLS|XRDST|XSHADOW|XEXCH50|X-LINK2STATE)/, 10],
  ['exchange', /RESOLVER\.ADR|\[Hostname=|SmtpReceive|MapiException/, 8],
  ['exim', /^250[ -]PRDR$/, 6],
  ['exim', /^250[ -](?:PIPECONNECT|PIPE_CONNECT)$/, 8],
  ['exim', /Unrouteable address|restricted characters in address|relay not permitted/, 5],
  ['exim', /^250[ -]\S+ Hello \S+ \[[\d.a-f:]+\]/i, 4],
  ['sendmail', /^250[ -]\S+ Hello \S+ \[[\d.a-f:]+\], pleased to meet you/i, 4],
  ['sendmail', /^250[ -]DELIVERBY$/, 5],
  ['postfix', /User unknown in (?:local|relay|virtual \w+) (?:recipient|mailbox|alias) table/, 9],
  ['postfix', /Recipient address rejected: |Relay access denied$|Client host rejected: /, 6],
  ['postfix', /^250[ -]2\.1\.[05] Ok$/, 4],
  ['postfix', /^221 2\.0\.0 Bye$/, 2],
  ['courier', /^250[ -]XVERP=Courier|Courier/i, 10],
  ['courier', /^250 Ok\.$/, 2],
  ['opensmtpd', /^250[ -].* Hello .*pleased to meet you$/, 2],
  ['opensmtpd', /^250 2\.1\.5 Destination address valid: Recipient ok|^550 Invalid recipient/, 7],
]

/** `lines`: what the server said, code and all, in any order. */
export function recogniseMta(lines: readonly string[]): Recognition {
  const weights = new Map<Mta, { weight: number; by: string }>()
  for (const [mta, sign, weight] of signs) {
    const by = lines.find((line) => sign.test(line))
    if (by === undefined) continue
    const known = weights.get(mta)
    weights.set(mta, { weight: (known?.weight ?? 0) + weight, by: known?.by ?? by })
  }
  const [first, second] = [...weights].toSorted(([, a], [, b]) => b.weight - a.weight)
  if (first === undefined || first[1].weight < 8) return { mta: null, by: null }
  const isClear = second === undefined || first[1].weight >= 2 * second[1].weight
  return isClear ? { mta: first[0], by: first[1].by } : { mta: null, by: null }
}
