// What a command calls itself in EHLO.

import { hostname } from 'node:os'

/** RFC 5321 §4.1.4 wants a name; a machine without one says so with an address literal. */
export function ownName(): string {
  const name = hostname()
  return name.includes('.') ? name : '[127.0.0.1]'
}
