// What a server was measured to take: the relay obeys it, so that it accepts nothing that is refused later.

export interface Profile {
  /** Largest message in bytes that the server says or was seen to accept; 0: it names no limit. */
  readonly maxMessageBytes?: number
  readonly isEightBitMime?: boolean
  readonly isSmtpUtf8?: boolean
  readonly isPipelining?: boolean
  readonly isChunking?: boolean
  readonly isBinaryMime?: boolean
  readonly isDsn?: boolean
  readonly isEnhancedStatusCodes?: boolean
  readonly isPrdr?: boolean
  readonly isStartTls?: boolean
  /** Connections at a time before one was refused; absent: none was. */
  readonly maxConnections?: number
  /** Transactions of one connection before one was refused; absent: none was. */
  readonly mailsPerConnection?: number
  /** As announced (RFC 9422). */
  readonly maxRecipients?: number
  /** With which reverse-path recipients may be asked for and the answer is the one of a mail. */
  readonly calloutSender?: 'null' | 'mailbox'
  /**
   * Unknown recipients of one connection before known ones are refused too, or all is slow; 1: after fewer than
   * were tried. Absent: never seen.
   */
  readonly calloutErrorsPerConnection?: number
  /** The answer to RCPT says nothing: everybody is accepted there. */
  readonly acceptsUnknown?: boolean
  readonly isSubaddressing?: boolean
  /** Refuses content after DATA. */
  readonly refusesAtData?: boolean
  /** The longest line every server has to take, in bytes without CR LF, when a longer one was refused. */
  readonly maxLineBytes?: number
}

/** Later findings do not undo earlier ones: a key keeps its first value. */
export function mergeProfiles(profiles: readonly Profile[]): Profile {
  return Object.assign({}, ...profiles.toReversed()) as Profile
}
