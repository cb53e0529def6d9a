// What the client side of a dialog may assume. One connection, many questions and mails after each other.

import type { Extensions } from '#smtp/extensions.ts'
import type { PeerReply } from '#smtp/reply.ts'
import type { PresentedClient } from './present-client.ts'
import type { Transfer } from './transition.ts'

/** The envelope commands of one question or one mail, and how far they have come. */
export interface Envelope {
  readonly task: 'question' | 'transfer'
  /** MAIL, RCPT… and RSET (question) or DATA (transfer); without CR LF. */
  readonly commands: readonly string[]
  readonly sentCount: number
  /** In the order of `commands`; never more than `sentCount`. */
  readonly replies: readonly PeerReply[]
}

export type ClientState =
  | { readonly phase: 'banner' }
  | { readonly phase: 'greeting'; readonly isExtended: boolean; readonly isEncrypted: boolean }
  | { readonly phase: 'starttls'; readonly extensions: Extensions }
  | { readonly phase: 'handshake' }
  | { readonly phase: 'ready'; readonly extensions: Extensions }
  /** XCLIENT, or the EHLO after it, has been said; the transfer follows. */
  | {
      readonly phase: 'presenting'
      readonly step: 'xclient' | 'ehlo'
      readonly extensions: Extensions
      readonly transfer: Transfer
      readonly client: PresentedClient
    }
  | { readonly phase: 'envelope'; readonly extensions: Extensions; readonly envelope: Envelope }
  /** 354 has come, content is being sent: no reply is due. */
  | { readonly phase: 'content'; readonly extensions: Extensions; readonly envelope: Envelope }
  /** The content is sent completely and its reply is awaited. */
  | { readonly phase: 'final'; readonly extensions: Extensions; readonly envelope: Envelope }
  | { readonly phase: 'resetting'; readonly extensions: Extensions }
  | { readonly phase: 'closed' }

/** How far the dialog has come, for the cause of a failure. */
export type ClientStage =
  | 'banner'
  | 'ehlo'
  | 'starttls'
  | 'xclient'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'content'
  | 'end-of-data'

/** The stage whose reply is awaited. */
export function stageOf(state: ClientState): ClientStage {
  switch (state.phase) {
    case 'banner':
      return 'banner'
    case 'greeting':
      return 'ehlo'
    case 'starttls':
    case 'handshake':
      return 'starttls'
    case 'presenting':
      return 'xclient'
    case 'envelope':
      return stageOfEnvelope(state.envelope)
    case 'content':
      return 'content'
    case 'final':
      return 'end-of-data'
    case 'ready':
    case 'resetting':
    case 'closed':
      return 'mail'
  }
}

function stageOfEnvelope(envelope: Envelope): ClientStage {
  const awaited = envelope.replies.length
  if (awaited === 0) return 'mail'
  return awaited < envelope.commands.length - 1 ? 'rcpt' : 'data'
}
