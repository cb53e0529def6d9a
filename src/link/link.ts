// Messages between the processes of one machine, over a unix socket: questions with an answer, and news
// without one. The door.
//
// Both ends are the same version of Pforte, started by the same supervisor, and the socket can be opened
// by its user alone: shapes are agreed on by types, not checked again. Sizes are bounded all the same.

/** Anything JSON can say. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/** What travels: a value and, apart from it, bytes that are not encoded. */
export interface LinkMessage {
  readonly value: Json
  /** Null: none. */
  readonly bytes: Buffer | null
}

/** The other end. */
export interface LinkPeer {
  /** The name it gave itself when it connected. */
  readonly name: string
  /**
   * Rejects with a LinkError: the other end is not there, went away before it answered, took longer than
   * `timeoutMs`, or answered that it failed.
   */
  readonly ask: (method: string, message: LinkMessage, timeoutMs: number) => Promise<LinkMessage>
  /** News. Lost without a word when the other end is not there. */
  readonly tell: (method: string, value: Json) => void
}

/** Answers questions and takes news. A handler that throws or rejects answers with its error's message. */
export interface LinkHandlers {
  readonly asked: Readonly<
    Record<string, (message: LinkMessage, peer: LinkPeer) => Promise<LinkMessage>>
  >
  readonly told: Readonly<Record<string, (value: Json, peer: LinkPeer) => void>>
}

export class LinkError extends Error {
  /** `away`: it was not asked. `lost`: asked, and no answer. `failed`: it answered that it failed. */
  readonly kind: 'away' | 'lost' | 'failed'
  constructor(kind: LinkError['kind'], message: string) {
    super(message)
    this.name = 'LinkError'
    this.kind = kind
  }
}
