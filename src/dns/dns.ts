// Asking the DNS. The door: an answer is found, none or failed, and the three are never mixed up.

/** `none`: the name or the type does not exist. `failed`: nobody knows (timeout, SERVFAIL, ...). */
export type DnsAnswer<Value> =
  | {
      readonly kind: 'found'
      readonly values: readonly [Value, ...Value[]]
      readonly ttlMs: number
    }
  | { readonly kind: 'none'; readonly cause: 'name' | 'type'; readonly ttlMs: number }
  | { readonly kind: 'failed'; readonly detail: string }

export interface MxRecord {
  readonly preference: number
  /** A-label, lower case, without the final dot; '' is the null MX (RFC 7505). */
  readonly exchange: string
}

export interface Resolver {
  /** IPv4 and IPv6 addresses of a host name (A-label), in the order to be tried. Never rejects. */
  readonly addresses: (host: string, signal: AbortSignal | null) => Promise<DnsAnswer<string>>
  /** Sorted by preference, equal ones in random order (RFC 5321 §5.1). Never rejects. */
  readonly mx: (name: string, signal: AbortSignal | null) => Promise<DnsAnswer<MxRecord>>
  /**
   * Those of one family only, with that family's own answer: to be asked whether a name has an address,
   * where a family that fails must not be taken for one that has none. Never rejects.
   */
  readonly familyAddresses: (
    host: string,
    family: 4 | 6,
    signal: AbortSignal | null,
  ) => Promise<DnsAnswer<string>>
  /**
   * Names an address is registered under (PTR, RFC 1035 §3.5), A-labels in lower case; anybody can write
   * any name there. `address` is an IPv4 or IPv6 address without brackets. Never rejects.
   */
  readonly reverse: (address: string, signal: AbortSignal | null) => Promise<DnsAnswer<string>>
  readonly close: () => void
}
