// One alert mail on the relay's own path: one try, and what became of it.

import { handOver, outcomeText, type HandoverOutcome } from '#handover/handover.ts'
import type { NextHops, Within } from '#nexthop/nexthop.ts'
import type { ServedDomain } from '#registry/registry.ts'
import { encodeMailbox, isAscii, type Mailbox } from '#smtp/path.ts'

export interface AlertMail {
  /** The reverse-path. A null one is not a Mailbox: nothing Pforte writes can be a bounce. */
  readonly from: Mailbox
  readonly to: Mailbox
  /** The served domain of `to`. */
  readonly domain: ServedDomain
  /** In wire form. */
  readonly content: Buffer
}

export interface AlertMailResult {
  readonly outcome: HandoverOutcome['kind']
  /** The next hop's words, or why there are none; not cleaned. */
  readonly text: string
  readonly server: string
  readonly tookMs: number
}

/** Never rejects. */
export async function sendMail(
  nextHops: NextHops,
  mail: AlertMail,
  within: Within,
): Promise<AlertMailResult> {
  const reversePath = encodeMailbox(mail.from)
  const isSmtpUtf8 = !isAscii(reversePath) || !isAscii(encodeMailbox(mail.to))
  const [group] = await handOver(
    nextHops,
    {
      reversePath,
      recipients: [{ mailbox: mail.to, domain: mail.domain }],
      isSmtpUtf8,
      is8BitMime: isSmtpUtf8, // RFC 6531 §3.6: what needs SMTPUTF8 is eight-bit
      content: { sizeBytes: mail.content.length, open: () => readerOf(mail.content) },
    },
    within,
  )
  if (group === undefined) throw new Error('one recipient, but no group')
  const { outcome, nextHop, tookMs } = group
  return { outcome: outcome.kind, text: outcomeText(outcome), server: nextHop.server, tookMs }
}

function readerOf(content: Buffer): {
  readonly next: () => readonly Buffer[] | null
  readonly close: () => void
} {
  let pieces: readonly Buffer[] | null = [content]
  return {
    next: () => {
      const given = pieces
      pieces = null
      return given
    },
    close: () => undefined,
  }
}
