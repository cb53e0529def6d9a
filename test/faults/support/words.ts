// What the driver of a spool says, and who may be sure of what at a moment.

export type Word =
  | { readonly kind: 'opened' | 'recovered' | 'finished' | 'gave-up' }
  | { readonly kind: 'not-opened' | 'not-recovered'; readonly detail: string }
  | { readonly kind: 'begun' | 'done'; readonly number: number }
  /** Certainly not done; or it is not known. */
  | { readonly kind: 'refused' | 'unclear'; readonly number: number; readonly detail: string }

/** Whole lines only: the last one may have been cut by a kill. */
export function wordsOf(text: string): readonly Word[] {
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Word)
}

/** `open`: begun, or answered with "unclear". Absent: not begun. */
export type Answers = ReadonlyMap<number, 'done' | 'open' | 'refused'>

export function answersOf(words: readonly Word[]): Answers {
  const answers = new Map<number, 'done' | 'open' | 'refused'>()
  const unclear = new Set<number>()
  for (const word of words) {
    if (word.kind === 'begun') answers.set(word.number, 'open')
    if (word.kind === 'done') answers.set(word.number, 'done')
    if (word.kind === 'unclear') unclear.add(word.number)
    if (word.kind === 'refused' && !unclear.has(word.number)) answers.set(word.number, 'refused')
  }
  return answers
}
