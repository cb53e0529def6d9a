// What an alert says, in German and in English: what happened, to what, and what to do.

import { cleanAsciiLine } from '#base/text.ts'
import type { Notice } from './notice.ts'
import { delayedInEnglish, delayedInGerman } from './delayed-text.ts'
import { heldInEnglish, heldInGerman } from './held-text.ts'
import { violatedInEnglish, violatedInGerman } from './violated-text.ts'
import { ageText, countedIn } from './words.ts'

export interface AlertText {
  /** One line of printable ASCII. */
  readonly subject: string
  /** Lines without their endings, UTF-8. */
  readonly body: readonly string[]
}

/** `hostname`: the relay's name. */
export function alertText(notice: Notice, hostname: string): AlertText {
  const [german, english] = bodiesOf(notice, hostname)
  return {
    subject: `[Pforte] ${cleanAsciiLine(notice.domain, 100)}: ${subjectOf(notice)}`,
    body: ['English below.', '', ...german, '', '-'.repeat(72), '', ...english],
  }
}

function bodiesOf(
  notice: Notice,
  hostname: string,
): readonly [german: readonly string[], english: readonly string[]] {
  switch (notice.kind) {
    case 'mail-delayed':
      return [delayedInGerman(notice, hostname), delayedInEnglish(notice, hostname)]
    case 'mail-held':
      return [heldInGerman(notice, hostname), heldInEnglish(notice, hostname)]
    case 'requirement-violated':
      return [violatedInGerman(notice, hostname), violatedInEnglish(notice, hostname)]
  }
}

function subjectOf(notice: Notice): string {
  switch (notice.kind) {
    case 'mail-held': {
      const { de, en } = countedIn(notice.mailCount)
      return `${de} in Verwahrung / ${en} held`
    }
    case 'mail-delayed': {
      const age = ageText(notice.ageMs)
      return `E-Mails warten seit ${age} / mail waiting for ${age}`
    }
    case 'requirement-violated':
      return 'Anforderung nicht mehr erfuellt / requirement not met any more'
  }
}

/** One line for a chat: the webhook's `text`. */
export function shortText(notice: Notice, hostname: string): string {
  return `${hostname}: ${cleanAsciiLine(notice.domain, 100)}: ${subjectOf(notice)}`
}
