// The greeting stage: what is decided about a client before anything of a session exists. The door.
//
// Everything that is decided without waiting is decided when the connection comes. Only a client that is not
// known yet, and only when a check that needs time is on, costs more than an entry in a table.

import type { Deadlines } from '#base/deadlines.ts'
import type { Clock } from '#base/clock.ts'
import type { Network } from '#base/network.ts'
import type { Resolver } from '#dns/dns.ts'
import type { Connection, SocketAddress } from '#net/connection.ts'

/** `observe`: what would have been done is told, and nothing is refused. */
export type CheckMode = 'off' | 'observe' | 'enforce'

/** One list on the DNS (RFC 5782), and what an entry there is worth. */
export interface DnsZone {
  /** A-label without the final dot. */
  readonly domain: string
  /** What each octet of the answer may be; null: any answer of 127.0.0.0/8 that is no error code. */
  readonly answers: AnswerPattern | null
  /** Below zero for a list of good clients. Never 0. */
  readonly weight: number
}

/** Inclusive ranges for each of the four octets; one of them has to fit. */
export type AnswerPattern = readonly (readonly (readonly [low: number, high: number])[])[]

export interface GreetingRules {
  /** Clients nothing is asked of, but for the deny list. */
  readonly exempt: readonly Network[]
  readonly access: {
    readonly mode: CheckMode
    readonly allow: readonly Network[]
    readonly deny: readonly Network[]
    /** Absolute; null: none. */
    readonly file: string | null
  }
  /** Open at the same time; 0: any number. A network is a /24 of IPv4, a /64 of IPv6. */
  readonly connections: {
    readonly mode: CheckMode
    readonly maxPerAddressCount: number
    readonly maxPerNetworkCount: number
  }
  /** New ones within a minute; 0: any number. */
  readonly rate: {
    readonly mode: CheckMode
    readonly maxPerAddressCount: number
    readonly maxPerNetworkCount: number
  }
  readonly pregreet: {
    readonly mode: CheckMode
    readonly delayMs: number
    /** A first line of the banner comes at once. */
    readonly isTeasing: boolean
    readonly rememberMs: number
  }
  readonly dnsbl: {
    readonly mode: CheckMode
    readonly zones: readonly DnsZone[]
    /** From this score on the client is listed. */
    readonly threshold: number
    /** Below zero: from this score down the banner is not delayed; null: never. */
    readonly allowThreshold: number | null
    readonly timeoutMs: number
    readonly rememberMs: number
  }
  /** Clients that have passed, kept in memory and in the file, of each. */
  readonly maxRememberedCount: number
}

export interface GreetingOptions {
  /** Asked for at each connection; the same object means nothing has changed. */
  readonly rules: () => GreetingRules
  /** Clients that may wait at the same time; the next one is let through. */
  readonly maxWaitingCount: () => number
  readonly hostname: string
  readonly resolver: Pick<Resolver, 'familyAddresses'>
  readonly deadlines: Deadlines
  readonly clock: Clock
  /** Folder of the state, for greeting.db; null: nothing outlives the process. */
  readonly folder: string | null
  /** Takes the connections that may have a session. */
  readonly next: (connection: Connection) => void
  readonly emit: (event: GreetingEvent) => void
}

/** What one process counts of one client: `key` is an address or a network. */
export type ClientCount = readonly [
  key: string,
  openCount: number,
  /** New connections within that minute. */
  newCount: number,
  /** Minutes since the epoch. */
  minute: number,
]

export interface Greeting {
  readonly accept: (connection: Connection) => void
  readonly waitingCount: () => number
  /** Hands on whoever still waits, without a verdict: who takes sessions says goodbye. */
  readonly handOnAll: () => void
  /** Clients of which this process alone has a good part of what they may have, for other processes. */
  readonly busyClients: (processCount: number) => readonly ClientCount[]
  /** What the other processes count together; replaces what was heard before. */
  readonly hear: (others: readonly ClientCount[]) => void
  /** Reads the access file again. What cannot be read leaves the lists as they are, and is told. */
  readonly reload: () => void
  readonly close: () => void
}

export type GreetingCheck = 'access' | 'connections' | 'rate' | 'pregreet' | 'dnsbl'

interface Failed {
  readonly client: SocketAddress
  readonly mode: 'observe' | 'enforce'
  /** The reply the client got, or would have got; one line, not cleaned. */
  readonly reply: string
}

/** Texts of peers are not cleaned. */
export type GreetingEvent =
  /** `entry`: of the list. `isRepeated`: told of this client within this minute already. */
  | (Failed & {
      readonly kind: 'client-denied'
      readonly entry: string
      readonly isRepeated: boolean
    })
  | (Failed & {
      readonly kind: 'client-limited'
      readonly check: 'connections' | 'rate'
      /** The address, or the network it is in. */
      readonly network: string
      readonly maxCount: number
      readonly isRepeated: boolean
    })
  /** Spoke before the banner. `line`: the beginning of what it said. */
  | (Failed & {
      readonly kind: 'client-pregreeted'
      readonly line: string
      readonly tookMs: number
    })
  | (Failed & {
      readonly kind: 'client-listed'
      readonly score: number
      /** Those that list it, as bad or as good. */
      readonly zones: readonly string[]
    })
  /** Passed what it had not passed lately. `score` is null when no list was asked. */
  | {
      readonly kind: 'client-passed'
      readonly client: SocketAddress
      readonly checks: readonly ('pregreet' | 'dnsbl')[]
      readonly score: number | null
      readonly zones: readonly string[]
      /** Lists without an answer: nobody is refused for that. */
      readonly failedZones: readonly string[]
      readonly tookMs: number
    }
  /** Closed the connection while it had to wait. */
  | {
      readonly kind: 'client-left-early'
      readonly client: SocketAddress
      readonly tookMs: number
    }
  /** Let through untested: too many wait. */
  | {
      readonly kind: 'client-untested'
      readonly client: SocketAddress
      readonly waitingCount: number
      readonly isRepeated: boolean
    }
  /** Did not answer several times; it is left alone for a while. */
  | { readonly kind: 'dns-list-down'; readonly zone: string; readonly detail: string }
  | { readonly kind: 'dns-list-up'; readonly zone: string }
  | { readonly kind: 'access-file-read'; readonly file: string; readonly entryCount: number }
  /** The lists before stay in force. */
  | { readonly kind: 'access-file-failed'; readonly file: string; readonly detail: string }
  /** Who has passed is forgotten at a restart. */
  | { readonly kind: 'greeting-store-failed'; readonly error: string }
