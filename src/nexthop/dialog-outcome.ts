// What comes back from one dialog with a next hop, and how long it may take.

import type { PeerReply } from '#smtp/reply.ts'
import type { Dialog } from './dialog.ts'
import type { NoAnswer } from './nexthop.ts'

/** How the present task ended. */
export type DialogOutcome =
  | { readonly kind: 'ready' }
  | { readonly kind: 'question-answered'; readonly reply: PeerReply }
  | { readonly kind: 'recipients-refused'; readonly recipients: readonly PeerReply[] }
  | {
      readonly kind: 'transfer-answered'
      readonly recipients: readonly PeerReply[]
      readonly reply: PeerReply
    }
  | { readonly kind: 'failed'; readonly cause: NoAnswer; readonly isContentSent: boolean }

/** All in milliseconds. */
export interface DialogTimeouts {
  readonly commandMs: number
  /** Longest wait for the peer to take a piece of content. */
  readonly contentMs: number
  /** Wait for the reply to the content. */
  readonly finalMs: number
  readonly idleMs: number
}

/** Who owns the dialog between tasks. */
export interface DialogOwner {
  /** The dialog can take the next task. Called after the outcome of the last one was given. */
  readonly onReady: (dialog: Dialog) => void
  /** The connection is gone. Called once. */
  readonly onClosed: (dialog: Dialog) => void
}
