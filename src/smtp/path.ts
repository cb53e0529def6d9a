// Paths and mailboxes of the envelope (RFC 5321 §4.1.2, RFC 6531 §3.3), each odd value its own variant.

/**
 * A mailbox (RFC 5321 §2.3.11).
 * `local` is as written, quotes included, and is compared as written.
 * `domain` is lower case, in A-label form (RFC 5890 §2.3.2.1), or an address literal with its
 * brackets (`[192.0.2.1]`, `[ipv6:2001:db8::1]`).
 */
export interface Mailbox {
  readonly local: string
  readonly domain: string
}

/** MAIL FROM. The null reverse-path (RFC 5321 §4.5.5) is a value of its own, never an empty string. */
export type ReversePath =
  | { readonly kind: 'null' }
  | { readonly kind: 'mailbox'; readonly mailbox: Mailbox }

/** RCPT TO. `<Postmaster>` without a domain is a value of its own (RFC 5321 §4.1.1.3). */
export type ForwardPath =
  | { readonly kind: 'postmaster' }
  | { readonly kind: 'mailbox'; readonly mailbox: Mailbox }

export function encodeMailbox(mailbox: Mailbox): string {
  return `${mailbox.local}@${mailbox.domain}`
}

/** Without angle brackets: `` for the null reverse-path. For showing and for `MAIL FROM:<…>`. */
export function reversePathText(path: ReversePath): string {
  return path.kind === 'null' ? '' : encodeMailbox(path.mailbox)
}

/** Without angle brackets. */
export function forwardPathText(path: ForwardPath): string {
  return path.kind === 'postmaster' ? 'postmaster' : encodeMailbox(path.mailbox)
}

export function isAscii(text: string): boolean {
  return !/[^\u0000-\u007f]/.test(text) // oxlint-disable-line no-control-regex -- the range is ASCII
}
