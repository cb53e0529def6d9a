// One test mail: MAIL, RCPT, DATA, content. Only checks that need `send` use it, so nothing is sent without consent.

import type { MailOutcome, TokenPurpose } from '#catcher/catcher.ts'
import type { CheckContext } from './check.ts'
import { codeOf, saidText, type ProbeSession, type Said } from './dialog/session.ts'
import { contentOf, type Payload } from './payloads.ts'
import { issueSender } from './returns/catching.ts'
import type { Excerpt } from './transcript.ts'

export type Sent =
  /** The server's reply to the content. */
  | {
      readonly kind: 'answered'
      readonly said: Extract<Said, { kind: 'reply' }>
      readonly words: string
      readonly seen: Excerpt
    }
  /** It did not come to that. */
  | { readonly kind: 'not-sent'; readonly words: string; readonly seen: Excerpt }
  /** The content was sent, or a part of it, and there was no reply. */
  | { readonly kind: 'unanswered'; readonly words: string; readonly seen: Excerpt }

export interface Sending {
  readonly payload: Payload
  /** Default: the first existing address. */
  readonly to?: string
  /** Of the envelope; default: one that nobody has seen before, whose returns are caught. */
  readonly from?: string
  /** In the header; default: the envelope's sender. */
  readonly headerFrom?: string
  readonly isEightBit?: boolean
  /** Whose returns these are; default: those of the check that runs, for a mail. */
  readonly check?: string
  readonly purpose?: TokenPurpose
}

/** RFC 5321 §4.5.3.2.6 allows ten minutes; who needs more than four has other problems. */
const finalTimeoutMs = 240_000

export async function send(context: CheckContext, sending: Sending): Promise<Sent> {
  const to = sending.to ?? context.target.existing[0] ?? ''
  const { check = context.checkId, purpose = 'mail' } = sending
  const from = sending.from ?? issueSender(context, { check, purpose, recipient: to })
  const content = contentOf(sending.payload, {
    from: sending.headerFrom ?? from,
    to,
    helloName: context.prober.helloName,
    nowMs: context.now(),
    run: context.catching?.run ?? null,
  })
  const isEightBit = sending.isEightBit ?? false
  return await sendContent(context, { from, to, isEightBit, sizeBytes: null }, [content])
}

/** Pieces are written as they are: CR LF, no line that begins with a dot, CR LF at the end. */
export async function sendContent(
  context: CheckContext,
  envelope: Envelope,
  pieces: Iterable<Buffer>,
): Promise<Sent> {
  const sent = await transfer(context, envelope, pieces)
  context.catching?.settle(envelope.from, outcomeOf(sent))
  context.catching?.seen.set(envelope.from, sent.seen)
  return sent
}

interface Envelope {
  /** By `issueSender`, when there is a catcher. */
  readonly from: string
  readonly to: string
  readonly isEightBit: boolean
  readonly sizeBytes: number | null
}

function outcomeOf(sent: Sent): MailOutcome {
  if (sent.kind !== 'answered') return sent.kind === 'unanswered' ? 'unclear' : 'not-accepted'
  return sent.said.reply.code < 300 ? 'accepted' : 'not-accepted'
}

async function transfer(
  context: CheckContext,
  envelope: Envelope,
  pieces: Iterable<Buffer>,
): Promise<Sent> {
  const contact = await context.prober.greet(context.target.vantages[0], 'asRelay')
  if (contact.kind === 'failed')
    return { kind: 'not-sent', words: contact.detail, seen: contact.seen }
  const { session } = contact.greeted
  try {
    const refusal = await begin(session, envelope)
    if (refusal !== null)
      return { kind: 'not-sent', words: saidText(refusal), seen: session.transcript.since(0) }
    let byteCount = 0
    for (const piece of pieces) {
      if (!session.isOpen || context.signal.aborted) break
      await session.sendRaw(piece, null)
      byteCount += piece.length
    }
    await session.sendRaw(Buffer.from('.\r\n'), `content of ${byteCount} bytes, and the final dot`)
    const said = await session.read(finalTimeoutMs)
    const seen = session.transcript.since(0)
    return said.kind === 'reply'
      ? { kind: 'answered', said, words: saidText(said), seen }
      : { kind: 'unanswered', words: said.detail, seen }
  } finally {
    await session.quit()
  }
}

/** Null: the server waits for the content. */
async function begin(
  session: ProbeSession,
  { from, to, isEightBit, sizeBytes }: Envelope,
): Promise<Said | null> {
  const { eightBitMime, size } = session.extensions
  const body = isEightBit && eightBitMime ? ' BODY=8BITMIME' : ''
  const declared = sizeBytes !== null && size !== null ? ` SIZE=${sizeBytes}` : ''
  const steps: readonly (readonly [line: string, wanted: number])[] = [
    [`MAIL FROM:<${from}>${declared}${body}`, 250],
    [`RCPT TO:<${to}>`, 250],
    ['DATA', 354],
  ]
  for (const [line, wanted] of steps) {
    const said = await session.say(line)
    if (codeOf(said) !== wanted) return said
  }
  return null
}
