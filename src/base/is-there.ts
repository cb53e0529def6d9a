import { statSync } from 'node:fs'

/** Throws the system's error where that cannot be seen: what nobody may look at is not absent. */
export function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined
}
