// Greylisting (RFC 6647): whoever has never been seen comes back later, which software that only throws
// mail out does not do. The door: what is asked and what is answered; when, is decided by others.

/** One recipient of one mail. */
export interface Attempt {
  /** IPv4 or IPv6 without brackets. Its network counts, /24 or /64: large senders retry from a neighbour. */
  readonly clientAddress: string
  /** Without angle brackets; '' is the null reverse-path. */
  readonly sender: string
  readonly recipient: string
}

export interface GreylistRules {
  /** How long a new triple of network, sender and recipient has to wait. */
  readonly delayMs: number
  /** A retry that comes later than this after the first attempt counts as a first one. */
  readonly retryWindowMs: number
  /** What has passed is remembered so long after it was seen last. */
  readonly memoryMs: number
  /** Passed triples after which the whole network is known; 0: it never is. */
  readonly allowAfterCount: number
  readonly maxEntryCount: number
}

export type GreylistAnswer =
  /** The triple has passed before. */
  | { readonly kind: 'known' }
  /** So many of its network have that this one need not. */
  | { readonly kind: 'network-known' }
  /** It has waited long enough, just now. */
  | { readonly kind: 'passed'; readonly waitedMs: number }
  | { readonly kind: 'wait'; readonly waitMs: number }
  /** The store failed, so nobody knows: let it pass. */
  | { readonly kind: 'unavailable' }

export interface Greylist {
  /** Notes the attempt. Seen by other processes within a second, and again after a restart. Never throws. */
  readonly judge: (attempt: Attempt, rules: GreylistRules) => GreylistAnswer
  /** The same answer; nothing is noted. */
  readonly peek: (attempt: Attempt, rules: GreylistRules) => GreylistAnswer
  /** Writes what is not written yet. */
  readonly close: () => void
}

/** At most one in a minute. */
export type GreylistEvent = { readonly kind: 'greylist-failed'; readonly error: string }
