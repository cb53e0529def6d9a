// The allow, deny and exempt networks in force: those of the configuration and those of the file.

import { statSync } from 'node:fs'
import type { GreetingEvent, GreetingRules } from './greeting.ts'
import { readAccessFile } from './access-file.ts'
import { Places, type ListEntry } from './places.ts'

/** The file of networks cannot be read; `message` says what is wrong with it, and with which. */
export class AccessFileError extends Error {
  readonly code = 'access-file'
  constructor(file: string, problem: string) {
    super(`${file}: ${problem}`)
    this.name = 'AccessFileError'
  }
}

export class Lists {
  readonly #emit: (event: GreetingEvent) => void
  #rules: GreetingRules
  #ofFile: readonly ListEntry[] = []
  #stamp = ''
  #places: Places

  /** Throws an AccessFileError: nobody shall believe that a list is in force that is not. */
  constructor(rules: GreetingRules, emit: (event: GreetingEvent) => void) {
    this.#rules = rules
    this.#emit = emit
    const problem = this.#read()
    if (problem !== null) throw new AccessFileError(rules.access.file ?? '', problem)
    this.#places = this.#placed()
  }

  get places(): Places {
    return this.#places
  }

  adopt(rules: GreetingRules): void {
    const isSameFile = rules.access.file === this.#rules.access.file
    this.#rules = rules
    if (rules.access.file === null) this.#ofFile = []
    else if (!isSameFile) this.readAgain()
    this.#places = this.#placed()
  }

  /** What cannot be read leaves the lists as they are. */
  readAgain(): void {
    const problem = this.#read()
    const { file } = this.#rules.access
    if (problem === null) this.#places = this.#placed()
    else if (file !== null) this.#emit({ kind: 'access-file-failed', file, detail: problem })
  }

  /** True: it was read. */
  readIfChanged(): boolean {
    const { file } = this.#rules.access
    if (file === null || stampOf(file) === this.#stamp) return false
    this.readAgain()
    return true
  }

  /** Null, or what is wrong. */
  #read(): string | null {
    const { file } = this.#rules.access
    if (file === null) return null
    this.#stamp = stampOf(file) // before it is read: what is written meanwhile is seen at the next look
    const entries = readAccessFile(file)
    if (!entries.ok) return entries.problem
    this.#ofFile = entries.value
    this.#emit({ kind: 'access-file-read', file, entryCount: entries.value.length })
    return null
  }

  #placed(): Places {
    const { exempt, access } = this.#rules
    return new Places([
      ...exempt.map((network) => ({ network, standing: 'exempt' }) as const),
      ...access.allow.map((network) => ({ network, standing: 'allow' }) as const),
      ...access.deny.map((network) => ({ network, standing: 'deny' }) as const),
      ...this.#ofFile,
    ])
  }
}

function stampOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats === undefined ? '' : `${stats.ino} ${stats.size} ${stats.mtimeMs}`
}
