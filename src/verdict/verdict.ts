// What was decided about a client, a recipient or a mail, and why. Reasons live here, their wording in
// replies.ts (one table), so that no reason can leave the house without a code, a status and a text.

import type { PeerReply } from '#smtp/reply.ts'

export type Verdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'defer'; readonly reason: DeferReason }
  | { readonly kind: 'reject'; readonly reason: RejectReason }

/**
 * What the relay's mail rules have against a client or a sender; whether that is temporary is the operator's
 * choice. `address` is the client's, `name` what the DNS calls it.
 */
export type OriginReason =
  | { readonly kind: 'reverse-dns-missing'; readonly address: string }
  /** Anybody can write any name there: it does not lead back. */
  | { readonly kind: 'reverse-dns-inconsistent'; readonly address: string; readonly name: string }
  | { readonly kind: 'dynamic-address'; readonly address: string; readonly name: string }
  /** Neither MX nor address records, or no such name at all. */
  | { readonly kind: 'sender-domain-missing'; readonly domain: string }
  /** RFC 7505. */
  | { readonly kind: 'sender-null-mx'; readonly domain: string }

/** Temporary: the client keeps the mail and comes back. Everything unexpected is one of these. */
export type DeferReason =
  /** The institute's server gave no usable answer; `detail` says at which stage and why, for humans. */
  | { readonly kind: 'next-hop-unreachable'; readonly server: string; readonly detail: string }
  /** The institute's server itself answered 4yz. Its code and status are passed on. */
  | { readonly kind: 'next-hop-deferred'; readonly server: string; readonly reply: PeerReply }
  /** The institute's server said 5yz to RCPT, but not because the mailbox does not exist. */
  | { readonly kind: 'next-hop-policy'; readonly server: string; readonly reply: PeerReply }
  | { readonly kind: 'mailbox-full'; readonly server: string; readonly reply: PeerReply }
  /** Some of several recipients were refused at hand-over: the retry gets an exact answer for each. */
  | { readonly kind: 'recipients-changed'; readonly server: string }
  | { readonly kind: 'domain-suspended'; readonly domain: string }
  | { readonly kind: 'too-many-recipients'; readonly maxCount: number }
  /** This recipient's domain has other limits than the recipients before it. */
  | { readonly kind: 'separate-transaction'; readonly domain: string }
  | { readonly kind: 'too-many-unknown-recipients' }
  /** Of all clients of that network, in all sessions. */
  | { readonly kind: 'too-much-guessing'; readonly network: string }
  /** No room for it. */
  | { readonly kind: 'storage-failed' }
  /** The institute's server is out of reach, and the relay cannot keep the mail for it. */
  | { readonly kind: 'spool-failed'; readonly server: string }
  /**
   * Its server is out of reach, and was measured not to take such a mail: it would only end in the hold.
   * `what`: for humans.
   */
  | { readonly kind: 'not-kept'; readonly domain: string; readonly what: string }
  | OriginReason
  /** A mail rule could not be decided. `subject`: the address or the domain that was asked for. */
  | { readonly kind: 'dns-failed'; readonly subject: string; readonly detail: string }
  | { readonly kind: 'greylisted'; readonly waitMs: number }
  | { readonly kind: 'internal-error' }
  /** In place of the banner. `network`: the client's address, or the network it is in. */
  | { readonly kind: 'too-many-connections'; readonly network: string; readonly maxCount: number }
  /** `maxCount` a minute. */
  | { readonly kind: 'connecting-too-often'; readonly network: string; readonly maxCount: number }

/** Permanent: destroys the mail at the sender, so each one needs a cause that will not go away. */
export type RejectReason =
  | { readonly kind: 'not-served'; readonly domain: string }
  /** Its local part may name a way to a place that is not served. */
  | { readonly kind: 'routed-recipient' }
  | { readonly kind: 'recipient-unknown'; readonly server: string; readonly reply: PeerReply }
  /** The institute's server refused this mail. Its code and status are passed on. */
  | { readonly kind: 'next-hop-rejected'; readonly server: string; readonly reply: PeerReply }
  | { readonly kind: 'too-large'; readonly maxBytes: number }
  /** Too large for this recipient's domain, by its profile or by its server's own words. */
  | { readonly kind: 'too-large-for-recipient'; readonly server: string; readonly detail: string }
  | { readonly kind: 'smtputf8-unsupported'; readonly server: string }
  | { readonly kind: '8bitmime-unsupported'; readonly server: string }
  /** By a person's word, not the server's own. */
  | { readonly kind: 'line-too-long'; readonly domain: string; readonly maxBytes: number }
  | { readonly kind: 'bare-newline' }
  | { readonly kind: 'loop'; readonly hopCount: number }
  | { readonly kind: 'header-too-large'; readonly maxBytes: number }
  | OriginReason
  /** These three come in place of the banner. By the operator's own list. */
  | { readonly kind: 'client-denied'; readonly client: string }
  /** `zones`: domains of the DNS lists that have it. */
  | { readonly kind: 'client-listed'; readonly client: string; readonly zones: readonly string[] }
  /** The client spoke before the banner. */
  | { readonly kind: 'talked-first' }

/** A verdict that is not accept. */
export type Deferral = Extract<Verdict, { readonly kind: 'defer' }>
export type Rejection = Extract<Verdict, { readonly kind: 'reject' }>

export const accept: Verdict = Object.freeze({ kind: 'accept' })

export function defer(reason: DeferReason): Deferral {
  return { kind: 'defer', reason }
}

export function reject(reason: RejectReason): Rejection {
  return { kind: 'reject', reason }
}
