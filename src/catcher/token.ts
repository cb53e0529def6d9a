// Tokens: local parts of reverse-paths that nobody can guess.

import { randomInt } from 'node:crypto'

/** RFC 4648 §6 in lower case: some servers change the case of local parts, so it must not matter. */
const base32 = 'abcdefghijklmnopqrstuvwxyz234567'
const tokenLength = 26

export function randomBase32(length: number): string {
  return Array.from({ length }, () => base32.charAt(randomInt(base32.length))).join('')
}

/** 130 bits. */
export function newToken(): string {
  return randomBase32(tokenLength)
}

/** `b-<token>` */
export function localPartOf(token: string): string {
  return `b-${token}`
}

/** Null: not of that form. */
export function tokenIn(localPart: string): string | null {
  return /^b-([a-z2-7]{26})$/.exec(localPart.toLowerCase())?.[1] ?? null
}
