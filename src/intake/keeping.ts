// What the relay does not keep for a server that is out of reach: mail that this server was measured not to
// take. Out of the spool it would be refused when nobody can be told any more; at its sender it waits for the
// server's own answer.

import type { TracedContent } from '#handover/handover.ts'
import { LineLengthWatch } from '#smtp/line-length-watch.ts'
import type { MailParameters } from '#smtp/command.ts'
import { defer, type Deferral } from '#verdict/verdict.ts'
import type { MailJudgement, MailPlan } from './judge-mail.ts'

type Readable = ReturnType<TracedContent['open']>

/** Null: it may be kept. Reads the content only for a domain with a limit of lines. */
export async function objectionToKeeping(
  { toTakeOver }: MailPlan,
  parameters: Pick<MailParameters, 'is8BitMime'>,
  content: Pick<TracedContent, 'open'>,
): Promise<Deferral | null> {
  for (const { recipient, fate } of toTakeOver) {
    if (fate !== 'spoolable') continue
    const { domain, profile } = recipient.domain
    if (parameters.is8BitMime && profile.takes8BitMime === false) {
      return defer({ kind: 'not-kept', domain, what: '8-bit content' })
    }
    const { maxLineBytes } = profile
    if (maxLineBytes !== null && (await hasLineAbove(content.open(), maxLineBytes))) {
      return defer({ kind: 'not-kept', domain, what: `lines above ${maxLineBytes} octets` })
    }
  }
  return null
}

/** What the client gets instead: the server's own words, if it has said something. */
export function notKept({ judgement }: MailPlan, objection: Deferral): MailJudgement {
  const { verdict } = judgement
  const isSilent = verdict.kind === 'defer' && verdict.reason.kind === 'next-hop-unreachable'
  return isSilent ? { ...judgement, verdict: objection } : judgement
}

/** Reads no further than it has to, and closes. Rejects when the content cannot be read. */
export async function hasLineAbove(reader: Readable, maxBytes: number): Promise<boolean> {
  const watch = new LineLengthWatch(maxBytes)
  try {
    for (;;) {
      const pieces = await reader.next()
      if (pieces === null) return false
      if (pieces.some((piece) => watch.see(piece))) return true
    }
  } finally {
    reader.close()
  }
}
