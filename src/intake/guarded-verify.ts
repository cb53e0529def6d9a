// Recipient verification for one client, which may have guessed too much: then only recipients that are known
// to exist are confirmed, and no server is asked. The relay is no oracle.

import type { RecipientAnswer, RecipientQuery, Recipients } from '#recipients/recipients.ts'
import { defer } from '#verdict/verdict.ts'
import type { GuessBook } from './guess-book.ts'

export interface Guessing {
  readonly book: Pick<GuessBook, 'isOver' | 'unknown' | 'asked' | 'answered' | 'mayAskAhead'>
  /** A server has said that it takes mail for it, or a person has. */
  readonly isKnown: (query: RecipientQuery) => boolean
}

type Verify = Recipients['verify']

/** `network`: of the client, see `clientNetwork`. */
export function guardedVerify(verify: Verify, guessing: Guessing, network: () => string): Verify {
  const { book, isKnown } = guessing
  const counted = (answer: RecipientAnswer): RecipientAnswer => {
    const { verdict } = answer
    if (verdict.kind === 'reject' && verdict.reason.kind === 'recipient-unknown') {
      book.unknown(network())
    }
    return answer
  }
  return (query) => {
    if (book.isOver(network()) && !isKnown(query)) {
      const verdict = defer({ kind: 'too-much-guessing', network: network() })
      return { verdict, source: 'cache', isKnownGood: false, tookMs: 0 }
    }
    const answer = verify(query)
    if (!(answer instanceof Promise)) return counted(answer)
    book.asked(network())
    return answer.then((value) => {
      book.answered(network())
      return counted(value)
    })
  }
}
