// A parser of outside bytes, what its inputs are made of, and what must hold for each of them. Seeds are in
// corpus/<name>/: every run begins with them, and whatever was found once stays there.

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

export interface FuzzTarget {
  /** Also its folder below corpus/. */
  readonly name: string
  /** Words of its language, latin1 for bytes. */
  readonly words: readonly string[]
  /**
   * Throws when something does not hold for these bytes. `cut` chooses where they are cut into packets: two
   * inputs are the same if only it differs.
   */
  readonly check: (bytes: Buffer, cut: number) => void
}

export interface Seed {
  readonly file: string
  readonly bytes: Buffer
}

export function seedsOf({ name }: FuzzTarget): readonly Seed[] {
  const folder = path.join(import.meta.dirname, 'corpus', name)
  return readdirSync(folder)
    .toSorted()
    .map((file) => ({ file, bytes: readFileSync(path.join(folder, file)) }))
}

/** The bytes in two pieces, or three, or one by one, or as they are. */
export function packets(bytes: Buffer, cut: number): readonly Buffer[] {
  if (bytes.length < 2 || cut % 8 === 0) return [bytes]
  if (cut % 8 === 1) return Array.from(bytes, (_none, index) => bytes.subarray(index, index + 1))
  const first = cut % (bytes.length + 1)
  const second = first + ((cut * 31) % (bytes.length - first + 1))
  return [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)].filter(
    ({ length }) => length > 0,
  )
}
