// Pieces of text that the alerts have in common.

import { cleanLine } from '#base/text.ts'

const maxTextLength = 300
const width = 72

/** Text of a peer, fit for a line of a mail. */
export function shown(text: string): string {
  return cleanLine(text, maxTextLength)
}

export interface BothLanguages {
  readonly de: string
  readonly en: string
}

export function countedIn(count: number): BothLanguages {
  return count === 1
    ? { de: '1 E-Mail', en: '1 mail' }
    : { de: `${count} E-Mails`, en: `${count} mails` }
}

/** Coarse, because people read it: `75 min`, `4 h`, `3 d`. */
export function ageText(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000))
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 72 ? `${hours} h` : `${Math.floor(hours / 24)} d`
}

/** `2026-10-05 04:03 UTC`; empty when the number is no time. */
export function timeText(atMs: number): string {
  const at = new Date(atMs)
  if (Number.isNaN(at.getTime())) return ''
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** Prose in lines of 72 characters; a longer word stays whole. `indent` stands before all but the first. */
export function wrap(text: string, indent: string = ''): readonly string[] {
  const lines: string[] = []
  let current = ''
  for (const word of text.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > width) {
      lines.push(current)
      current = `${indent}${word}`
    } else {
      current = current === '' ? word : `${current} ${word}`
    }
  }
  return [...lines, current]
}
