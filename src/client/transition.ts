// One transition of the client side: what goes in, what comes out, and the few ways to build it.

import type { PeerReply } from '#smtp/reply.ts'
import type { PresentedClient } from './present-client.ts'
import type { ClientStage, ClientState } from './state.ts'

/** What does not change while a connection lives. */
export interface ClientRules {
  readonly hostname: string
  /** `required`: nothing is asked and no mail is sent in clear. */
  readonly tls: 'none' | 'opportunistic' | 'required'
}

/** What has already arrived behind a reply: nothing, exactly one 421, or anything else. */
export type Pending = 'nothing' | 'closing' | 'something'

interface EnvelopeFacts {
  /** Without angle brackets; '' is the null reverse-path. */
  readonly reversePath: string
  /** Without angle brackets, never empty. */
  readonly recipients: readonly string[]
  /** Bytes, or null when unknown. */
  readonly sizeBytes: number | null
  readonly isSmtpUtf8: boolean
  readonly is8BitMime: boolean
}

/** One question: MAIL, RCPT, RSET. */
export interface Ask extends EnvelopeFacts {
  readonly task: 'question'
}

/** One mail: MAIL, RCPT…, DATA, content. */
export interface Transfer extends EnvelopeFacts {
  readonly task: 'transfer'
  /** Told to a server that offers XCLIENT; null: the relay speaks for itself. */
  readonly client: PresentedClient | null
}

export interface Failure {
  readonly stage: ClientStage
  readonly kind: 'refused' | 'malformed' | 'tls' | 'smtputf8-unsupported'
  readonly detail: string
  readonly reply: PeerReply | null
}

export type ClientEffect =
  | { readonly kind: 'send'; readonly text: string }
  | { readonly kind: 'start-tls' }
  /** The connection can take a question or a mail. */
  | { readonly kind: 'ready' }
  /** The answer to a question. */
  | { readonly kind: 'question-answered'; readonly reply: PeerReply }
  /** 354: the content may go. */
  | { readonly kind: 'send-content' }
  | { readonly kind: 'recipients-refused'; readonly recipients: readonly PeerReply[] }
  | {
      readonly kind: 'transfer-answered'
      readonly recipients: readonly PeerReply[]
      readonly reply: PeerReply
    }
  /** The task, or the opening, has no answer. Unless `close` follows, the connection lives on. */
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'close' }

export interface ClientStep {
  readonly state: ClientState
  readonly effects: readonly ClientEffect[]
}

/** No answer, and the connection is of no more use. */
export function fail(
  stage: ClientStage,
  kind: Failure['kind'],
  detail: string,
  reply: PeerReply | null,
): ClientStep {
  return {
    state: { phase: 'closed' },
    effects: [{ kind: 'failed', failure: { stage, kind, detail, reply } }, { kind: 'close' }],
  }
}

export function close(): ClientStep {
  return { state: { phase: 'closed' }, effects: [{ kind: 'close' }] }
}
