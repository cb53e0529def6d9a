// SMTP replies: ours are strict, a peer's are kept as they came (RFC 5321 §4.2, RFC 3463).

export type PositiveCode = 211 | 214 | 220 | 221 | 250 | 252 | 354
export type TransientCode = 421 | 450 | 451 | 452 | 454
export type PermanentCode =
  | 500
  | 501
  | 502
  | 503
  | 504
  | 521
  | 530
  | 550
  | 551
  | 552
  | 553
  | 554
  | 555
  | 556
export type ReplyCode = PositiveCode | TransientCode | PermanentCode

/**
 * Subject and detail. The class is the reply code's own first digit, so "450 5.7.25" cannot be written;
 * nor can "5.7.25" here, since a whole number has no dot.
 */
export type StatusDetail = `${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}.${bigint}`

/** A reply of ours. `lines` is printable text without CR, LF, the code or the status. */
export interface Reply {
  readonly code: ReplyCode
  readonly status: StatusDetail | null
  readonly lines: readonly [string, ...string[]]
}

/**
 * A peer's reply as it came. `code` is 200 to 599. `status` is the whole enhanced code ("5.1.1") of
 * the first line if it has one, and is then cut from every line that repeats it. `lines` may hold
 * anything but CR and LF; clean it before showing it.
 */
export interface PeerReply {
  readonly code: number
  readonly status: string | null
  readonly lines: readonly string[]
}

export function reply(
  code: ReplyCode,
  status: StatusDetail | null,
  line: string,
  ...more: readonly string[]
): Reply {
  return { code, status, lines: [line, ...more] }
}

/** Wire form with CR LF. RFC 2034: every line of a reply with a status carries it. */
export function encodeReply({ code, status, lines }: Reply): string {
  const enhanced = status === null ? '' : `${Math.floor(code / 100)}.${status} `
  let text = ''
  const last = lines.length - 1
  for (const [index, line] of lines.entries()) {
    text += `${code}${index === last ? ' ' : '-'}${enhanced}${line}\r\n`
  }
  return text
}

/** One line for logs and for repeating a peer's words: `550 5.1.1 User unknown`. Not cleaned. */
export function replyText(peer: PeerReply): string {
  const status = peer.status === null ? '' : `${peer.status} `
  return `${peer.code} ${status}${peer.lines.join(' ')}`.trimEnd()
}

export function isPositive(peer: PeerReply): boolean {
  return peer.code >= 200 && peer.code < 300
}

export function isTransient(peer: PeerReply): boolean {
  return peer.code >= 400 && peer.code < 500
}

export function isPermanent(peer: PeerReply): boolean {
  return peer.code >= 500 && peer.code < 600
}
