// The whole configuration as the program sees it: checked, complete, frozen. Only app and bin read it.

export interface Config {
  /** The relay's own name: banner, EHLO to next hops, Received, Authentication-Results. A-label. */
  readonly hostname: string
  readonly listen: readonly SmtpListenConfig[]
  /** Processes for sessions; 0: everything in one process. */
  readonly workers: number
  /** Absolute folder of everything durable. */
  readonly state: string
  /** Where mail for the relay's own postmaster goes (RFC 5321 §4.5.1); null: it is refused. */
  readonly postmaster: string | null
  readonly tls: TlsConfig
  readonly smtp: SmtpConfig
  readonly limits: LimitsConfig
  readonly load: LoadConfig
  readonly greeting: GreetingConfig
  readonly guessing: GuessingConfig
  readonly verification: VerificationConfig
  readonly handover: HandoverConfig
  readonly dns: DnsConfig
  readonly policy: PolicyConfig
  readonly spool: SpoolConfig
  readonly delivery: DeliveryConfig
  readonly alerts: AlertsConfig
  readonly rehearsal: RehearsalConfig
  readonly catcher: CatcherConfig
  readonly recheck: RecheckConfig
  readonly log: LogConfig
  readonly metrics: { readonly listen: { readonly address: string; readonly port: number } | null }
}

export interface ListenConfig {
  readonly address: string
  readonly port: number
}

export interface SmtpListenConfig extends ListenConfig {
  /** Networks (CIDR) of the proxies, the only ones to connect; absent: clients connect themselves. */
  readonly proxy?: readonly string[]
}

export interface TlsConfig {
  /** STARTTLS is offered when there is at least one. Absolute paths; re-read when the files change. */
  readonly certificates: readonly { readonly certificate: string; readonly key: string }[]
  /** File of PEM certificates trusted for `tls: verify` routes besides the system's; null: none. */
  readonly ca: string | null
  /** Whether clients are asked for a certificate. Nothing depends on it but log and Received. */
  readonly clients: 'off' | 'ask'
}

/** What clients may say, and how. */
export interface SmtpConfig {
  /** Of content: a CR or LF on its own. */
  readonly bareNewlines: 'reject' | 'normalize'
  /** Recipients such as `user%other@served`. */
  readonly routedRecipients: 'reject' | 'accept'
  /** A client that does not wait for a reply it has to wait for. */
  readonly unauthorizedPipelining: 'observe' | 'reject'
  readonly isChunkingOffered: boolean
}

export interface LimitsConfig {
  /** Advertised as SIZE and enforced on the content, in bytes. */
  readonly maxMessageBytes: number
  readonly maxRecipientCount: number
  readonly maxHopCount: number
  readonly maxSessionCount: number
  /** Mails of one session before 421. */
  readonly maxTransactionCount: number
  /** Replies of class 5 or syntax errors since the last mail before 421. */
  readonly maxErrorCount: number
  /** Commands since the last mail, and those of them that bring no mail nearer. */
  readonly maxCommandCount: number
  readonly maxIdleCommandCount: number
  /** Unknown recipients of one session before each one costs `unknownRecipientDelayMs`. */
  readonly unknownRecipientDelayAfterCount: number
  readonly unknownRecipientDelayMs: number
  /** Unknown recipients of one session before 421 4.7.0. */
  readonly maxUnknownRecipientCount: number
  readonly commandTimeoutMs: number
  /** Longest pause between two pieces of content. */
  readonly dataTimeoutMs: number
  /** Of content, a second; 0: any. */
  readonly minDataRateBytes: number
  /** Longest life of a session. */
  readonly sessionTimeoutMs: number
  /** Content up to this size stays in memory, larger content goes to a temporary file. */
  readonly maxContentInMemoryBytes: number
  /** Of all sessions together; above it content goes to a file earlier. */
  readonly maxTotalContentInMemoryBytes: number
  /** How long a drain waits for mails in progress. */
  readonly drainTimeoutMs: number
}

export interface LoadConfig {
  /** Percent of `maxSessionCount` from which on sessions get less time and fewer errors. */
  readonly strainAtPercent: number
  /** Command and data timeout, errors and idle commands of a session then. */
  readonly strainedTimeoutMs: number
  readonly strainedErrorCount: number
  readonly strainedHandshakeCount: number
  /** New sessions get 421 above these: lateness of the event loop, percent of what a process may use. */
  readonly maxLoopDelayMs: number
  readonly maxDescriptorPercent: number
  readonly maxMemoryPercent: number
}

export type GreetingMode = 'off' | 'observe' | 'enforce'

/** Networks are texts in CIDR notation that have been checked. 0 as a limit: none. */
export interface GreetingConfig {
  readonly exempt: readonly string[]
  readonly access: {
    readonly mode: GreetingMode
    readonly allow: readonly string[]
    readonly deny: readonly string[]
    /** Absolute path, or null. */
    readonly file: string | null
  }
  readonly connections: {
    readonly mode: GreetingMode
    readonly maxPerAddressCount: number
    readonly maxPerNetworkCount: number
  }
  /** New ones, within a minute. */
  readonly rate: GreetingConfig['connections']
  readonly pregreet: {
    readonly mode: GreetingMode
    readonly delayMs: number
    readonly isTeasing: boolean
    readonly rememberMs: number
  }
  readonly dnsbl: {
    readonly mode: GreetingMode
    readonly zones: readonly DnsZoneConfig[]
    readonly threshold: number
    /** Below zero; null: none. */
    readonly allowThreshold: number | null
    readonly timeoutMs: number
    readonly rememberMs: number
  }
  readonly maxWaitingCount: number
  readonly maxRememberedCount: number
}

export interface DnsZoneConfig {
  readonly domain: string
  /** Inclusive ranges of the four octets of an answer; null: any entry. */
  readonly answers: readonly (readonly (readonly [low: number, high: number])[])[] | null
  /** Not 0. */
  readonly weight: number
}

export interface GuessingConfig {
  readonly mode: 'off' | 'observe' | 'enforce'
  /** Unknown recipients of one client network (/24, /64) in an hour. */
  readonly maxUnknownCount: number
  /** Questions for one client network in a minute. */
  readonly maxQuestionCount: number
}

export interface VerificationConfig {
  readonly positiveFreshMs: number
  readonly positiveRefreshMs: number
  readonly positiveStaleMs: number
  readonly negativeFreshMs: number
  readonly negativeLimitMs: number
  /** Two background refusals at least this far apart take a positive back. */
  readonly demoteAfterMs: number
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  readonly totalTimeoutMs: number
  /** Used when a target refuses the null reverse-path. */
  readonly probeSender: string
  readonly maxConnectionCount: number
  /** Questions that wait for a connection to one route. */
  readonly maxWaitingCount: number
  readonly maxQuestionsPerConnection: number
  /** Of these, answered with anything but yes. */
  readonly maxRefusalsPerConnection: number
  readonly idleCloseMs: number
  /** Entries kept per domain. */
  readonly maxEntriesPerDomain: number
  readonly catchAllIntervalMs: number
  readonly pinMs: number
  readonly breakerFailureCount: number
  readonly breakerRecoveryMs: number
}

export interface HandoverConfig {
  readonly maxConnectionCount: number
  /** Mails of sessions that wait for a connection to one route. */
  readonly maxWaitingCount: number
  readonly maxMailsPerConnection: number
  readonly idleCloseMs: number
  /** RFC 5321 §4.5.3.2 allows up to 5 min for the banner, MAIL and RCPT, 2 min for DATA. */
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** Longest wait for the socket to take a piece of content. */
  readonly contentTimeoutMs: number
  /** Wait for the final reply (RFC 5321 §4.5.3.2.6: 10 min). */
  readonly finalTimeoutMs: number
}

/** The mail rules. `modes`: by the reason each gives. */
export interface PolicyConfig {
  readonly modes: Readonly<
    Record<
      | 'reverse-dns-missing'
      | 'reverse-dns-inconsistent'
      | 'dynamic-address'
      | 'sender-domain-missing'
      | 'sender-null-mx',
      'off' | 'observe' | 'defer' | 'reject'
    >
  >
  /** Names, and patterns with `*`, in lower case. */
  readonly dynamicNames: readonly string[]
  readonly isDynamicNameGuessed: boolean
  readonly onDnsFailure: 'pass' | 'defer'
  readonly dnsTimeoutMs: number
  /** Absolute; null: none. */
  readonly exceptions: string | null
  readonly greylisting: {
    readonly mode: 'off' | 'observe' | 'defer'
    readonly delayMs: number
    readonly retryWindowMs: number
    readonly memoryMs: number
    readonly allowAfterCount: number
    readonly maxEntryCount: number
  }
}

export interface SpoolConfig {
  /** Absolute. */
  readonly folder: string
  /** What stays free on its file system. */
  readonly reserveBytes: number
  readonly reserveInodeCount: number
}

export interface DeliveryConfig {
  /** Of one route, at the same time. */
  readonly maxConnectionCount: number
  readonly pausesMs: readonly [number, ...number[]]
  readonly holdAfterMs: number
  readonly alertInstituteAfterMs: number
  readonly alertOperatorAfterMs: number
  readonly recoverEveryMs: number
  readonly stopTimeoutMs: number
}

export interface DnsConfig {
  /** `address` or `address:port`; empty: the system's resolvers. */
  readonly servers: readonly string[]
  readonly timeoutMs: number
  readonly attemptCount: number
  /** Networks in CIDR notation that no name leads to. */
  readonly refuseAddresses: readonly string[]
}

export interface AlertsConfig {
  /** http or https, without user name and password; null: none. */
  readonly webhook: string | null
  readonly isMailSent: boolean
  /** Shortest time between two alerts about held mail of one domain. */
  readonly digestMs: number
}

/** What a process that begins does before it has anything to do. */
export interface RehearsalConfig {
  /** Mails it sends to itself, so that the first real ones meet compiled code; 0: none. */
  readonly mailCount: number
}

export interface CatcherConfig {
  /** A-label, of nothing else than senders of test mails; null: nothing is caught. */
  readonly domain: string | null
  readonly listen: ListenConfig
}

export interface RecheckConfig {
  readonly mode: 'on' | 'off'
  readonly everyMs: number
  readonly confirmAfterMs: number
  /** Of one look at one server. */
  readonly timeoutMs: number
}

export interface LogConfig {
  readonly format: 'auto' | 'json' | 'human'
  /** Absolute path, or null for standard output. */
  readonly file: string | null
}
