// Which domains are served and where their mail goes. The door of the registry: contract and shapes.

/**
 * `none` never encrypts, `opportunistic` encrypts when offered, `verify` needs a trusted name and chain,
 * `pin` a known key. With the last two there is no delivery, and no question, in clear or to another server.
 */
export type TlsPolicy = 'none' | 'opportunistic' | 'verify' | 'pin'

/** What a certificate is judged by, beyond the usual. Each is empty, or null, unless the operator set it. */
export interface TlsTrust {
  /**
   * With `verify`, names of which the certificate needs one, instead of the server's own. A-labels, lower
   * case; one with a leading dot stands for every name below it.
   */
  readonly names: readonly string[]
  /** With `verify`, certificates of the only authorities to be believed, PEM; null: the relay's own. */
  readonly ca: string | null
  /** With `pin`, `sha256//BASE64` of the public keys (SubjectPublicKeyInfo) to be believed; else empty. */
  readonly pins: readonly string[]
}

/** One place mail can be taken to, as the operator wrote it. */
export type Endpoint =
  /** A host name (A-label, lower case): its A and AAAA records are looked up and tried in turn. */
  | { readonly kind: 'host'; readonly host: string; readonly port: number }
  /** An address literal, IPv4 or IPv6, without brackets. */
  | { readonly kind: 'address'; readonly address: string; readonly port: number }
  /** The MX records of `name`, by preference. */
  | { readonly kind: 'mx'; readonly name: string; readonly port: number }

/** Tried in order. `id` is the same text for equal routes: pools, breakers and caches are keyed by it. */
export interface Route {
  readonly id: string
  readonly endpoints: readonly [Endpoint, ...Endpoint[]]
  readonly tls: TlsPolicy
  readonly trust: TlsTrust
  /** Is a server that offers XCLIENT told whose mail it is? */
  readonly isXclient: boolean
}

/**
 * Moves a next hop's reply to RCPT into or out of the "no such mailbox" class.
 * `text` is compared with the whole reply line, case-insensitively; `*` stands for any run of characters.
 */
export interface ReplyPattern {
  readonly text: string
  readonly means: 'no-such-mailbox' | 'other'
}

/** What a server takes, and how it wants to be asked. Each is null where nothing was measured or set. */
export interface ServerProfile {
  /** Gross size of the content in bytes. */
  readonly maxMessageBytes: number | null
  readonly takesSmtpUtf8: boolean | null
  /** Mail declared BODY=8BITMIME. */
  readonly takes8BitMime: boolean | null
  /** At a time, for questions and mails together; at least 1. */
  readonly maxConnectionCount: number | null
  /** Questions and mails on one connection; at least 1. */
  readonly maxMailsPerConnection: number | null
  /** With which reverse-path recipients are asked for first. */
  readonly calloutSender: 'null' | 'mailbox' | null
  /** It refuses content: its mails are transactions of their own, so that their senders hear it. */
  readonly refusesAtData: boolean | null
  /** Longest line of a content in bytes, without CR LF. */
  readonly maxLineBytes: number | null
}

/** What all mail by one route has to keep to. */
export interface RouteLimits {
  readonly maxConnectionCount: number | null
  readonly maxMailsPerConnection: number | null
  /** A connection with so many refused questions ends. */
  readonly maxRefusalsPerConnection: number | null
}

/** What `pforte check --save` has found out. */
export interface MeasuredProfile {
  /** `mail.inst.example:25` */
  readonly server: string
  readonly atMs: number
  readonly profile: ServerProfile
  /** Refused questions of one connection that cost no known recipient; null or absent: nobody has seen such. */
  readonly maxRefusalsPerConnection?: number | null | undefined
}

export interface ServedDomain {
  /** A-label, lower case. */
  readonly domain: string
  /** A suspended domain gets 451 at RCPT. `reason` is for people and may be empty. */
  readonly suspension: { readonly reason: string; readonly sinceMs: number } | null
  readonly route: Route
  /** Where recipients are asked: the route itself unless the domain names another host and port. */
  readonly calloutRoute: Route
  /** What the relay obeys: what was set by hand, else what was measured. */
  readonly profile: ServerProfile
  /** A person's word: no measurement changes it. */
  readonly byHand: ServerProfile
  /** Of the server the route leads to; it ends with the route. */
  readonly measured: MeasuredProfile | null
  /** With '+', `a+b@d` is the same question as `a@d`; null: every local part is a question of its own. */
  readonly subaddressSeparator: string | null
  readonly replyPatterns: readonly ReplyPattern[]
  /** Who runs the institute's server: an address or a phone number, for people; may be empty. */
  readonly contact: string
  readonly createdAtMs: number
  readonly changedAtMs: number
}

export interface Registry {
  /**
   * The served domain of that exact name (A-label, lower case). Answers from memory without I/O:
   * it is asked for every recipient.
   */
  readonly find: (domain: string) => ServedDomain | undefined
  /** All served domains by name. A copy: changing it changes nothing. */
  readonly list: () => readonly ServedDomain[]
  /**
   * Adds or replaces. On return the change is committed (WAL, synchronous=FULL) and `find` sees it;
   * other processes see it within a second. Throws RegistryWriteError when the store fails.
   */
  readonly put: (domain: ServedDomain) => void
  /** True if there was one. Durable on return, as `put`. */
  readonly remove: (domain: string) => boolean
  /** Several changes as one transaction: all or none, durable on return. */
  readonly apply: (changes: readonly RegistryChange[]) => void
  /** Stops following other processes' changes and closes the store. */
  readonly close: () => void
}

export type RegistryChange =
  | { readonly kind: 'put'; readonly domain: ServedDomain }
  | { readonly kind: 'remove'; readonly domain: string }

export type RegistryEvent =
  /** Somebody (this process or another) changed the registry; `find` already answers the new state. */
  | { readonly kind: 'registry-changed'; readonly domains: readonly string[] }
  | { readonly kind: 'registry-unreadable'; readonly error: string }
