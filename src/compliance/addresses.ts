// Addresses of probes: random ones that cannot exist, senders that nobody has seen before.

import { randomInt } from 'node:crypto'
import type { TargetRequest } from './target.ts'

const letters = 'abcdefghijklmnopqrstuvwxyz'

/** Lower-case letters and digits: other characters are refused by rules about shape, which proves nothing. */
export function randomWord(length: number): string {
  const rest = Array.from({ length: length - 1 }, () => randomFrom(`${letters}0123456789`))
  return [randomFrom(letters), ...rest].join('')
}

function randomFrom(characters: string): string {
  return characters.charAt(randomInt(characters.length))
}

/**
 * Three addresses of different shape that nobody has: a rule about shapes would catch one of them, a directory
 * all three.
 */
export function randomRecipients(target: TargetRequest): readonly [string, string, string] {
  const domain = target.domains[0] ?? target.host
  const known = target.existing[0] ?? 'info@'
  // The separator of subaddresses would make it the known one.
  const base = known.slice(0, known.lastIndexOf('@')).replace(/[^a-z0-9.]/gi, '')
  return [
    `${randomWord(16)}@${domain}`,
    `${randomWord(7)}.${randomWord(9)}@${domain}`,
    `${base.slice(0, 40)}${randomWord(6)}@${domain}`,
  ]
}

/** A sender that no server has met: greylisting and automatic white lists know nothing of it. */
export function freshSender(senderDomain: string): string {
  return `b-${randomWord(26)}@${senderDomain}`
}

/** The sender of questions that do not come from `<>`. */
export function calloutSender(senderDomain: string): string {
  return `callout@${senderDomain}`
}
