// One test mail: MAIL, RCPT, DATA, content. Only checks that need `send` use it, so nothing is sent without consent.

import { freshSender } from './addresses.ts'
import type { CheckContext } from './check.ts'
import { codeOf, saidText, type ProbeSession, type Said } from './dialog/session.ts'
import { contentOf, type Payload } from './payloads.ts'
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
  /** Of the envelope; default: one that nobody has seen before. */
  readonly from?: string
  /** In the header; default: the envelope's sender. */
  readonly headerFrom?: string
  readonly isEightBit?: boolean
}

/** RFC 5321 §4.5.3.2.6 allows ten minutes; who needs more than four has other problems. */
const finalTimeoutMs = 240_000

export async function send(context: CheckContext, sending: Sending): Promise<Sent> {
  const from = sending.from ?? freshSender(context.prober.senderDomain)
  const to = sending.to ?? context.target.existing[0] ?? ''
  const content = contentOf(sending.payload, {
    from: sending.headerFrom ?? from,
    to,
    helloName: context.prober.helloName,
    nowMs: context.now(),
  })
  const isEightBit = sending.isEightBit ?? false
  return await sendContent(context, { from, to, isEightBit, sizeBytes: null }, [content])
}

/** Pieces are written as they are: CR LF, no line that begins with a dot, CR LF at the end. */
export async function sendContent(
  context: CheckContext,
  envelope: {
    readonly from: string
    readonly to: string
    readonly isEightBit: boolean
    readonly sizeBytes: number | null
  },
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
  {
    from,
    to,
    isEightBit,
    sizeBytes,
  }: {
    readonly from: string
    readonly to: string
    readonly isEightBit: boolean
    readonly sizeBytes: number | null
  },
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
