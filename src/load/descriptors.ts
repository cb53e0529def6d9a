// How many file descriptors this process has, of those it may have. Linux only; elsewhere: none, of many.

import { readdirSync, readFileSync, statSync } from 'node:fs'

const folder = '/proc/self/fd'
/** Where the system does not say. */
const unknownLimit = 1_000_000

export class Descriptors {
  readonly #limit: number = readLimit()
  #count = 0

  /** Counts. */
  percent(): number {
    this.#count = countOpen() ?? this.#limit
    return (this.#count * 100) / this.#limit
  }

  /** One more is going to be opened: what would be the percent then, by the last count. */
  take(): number {
    this.#count += 1
    return (this.#count * 100) / this.#limit
  }
}

/** Soft limit; the runtime has raised it to the hard one already. */
export function readLimit(file = '/proc/self/limits'): number {
  try {
    const match = /^Max open files +(\d+)/m.exec(readFileSync(file, 'utf8'))
    return match === null ? unknownLimit : Number(match[1])
  } catch {
    return unknownLimit
  }
}

/** Null: there is not even one left to count with. */
function countOpen(): number | null {
  try {
    // Since Linux 6.2 the size of the folder is the number of its entries, and costs no descriptor.
    const { size } = statSync(folder)
    return size > 0 ? size : readdirSync(folder).length
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EMFILE' ? null : 0
  }
}
