// Answers to what was asked ahead of its turn, until that comes.

import { encodeMailbox, type Mailbox } from '#smtp/path.ts'

/** Of one transaction. Bounded by whoever asks ahead: the turn of each is still to come. */
export class AskedAhead<Answer extends object | null> {
  readonly #answers = new Map<string, Answer>()

  /** The answer kept for that mailbox, or that of `ask`, which is kept whatever it is. */
  ask(mailbox: Mailbox, ask: () => Answer): Answer {
    const key = encodeMailbox(mailbox)
    const kept = this.#answers.get(key)
    if (kept !== undefined) return kept
    const answer = ask()
    this.#answers.set(key, answer)
    return answer
  }

  /** For one turn: it is not kept any longer. Undefined: nobody has asked ahead. */
  take(mailbox: Mailbox): Answer | undefined {
    if (this.#answers.size === 0) return undefined
    const key = encodeMailbox(mailbox)
    const answer = this.#answers.get(key)
    this.#answers.delete(key)
    return answer
  }
}
