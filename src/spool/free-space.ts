// Watches how much room the file system of the spool has left.

import { statfs } from 'node:fs/promises'

export interface FreeSpaceOptions {
  readonly folder: string
  /** What has to stay free. */
  readonly reserveBytes: number
  readonly reserveInodeCount: number
  readonly intervalMs: number
  readonly onChanged: (isShort: boolean, free: FreeSpace) => void
}

export interface FreeSpace {
  /** For ordinary users, in bytes. */
  readonly freeBytes: number
  /** Infinity where the file system makes inodes as it needs them. */
  readonly freeInodeCount: number
}

export class FreeSpaceWatch implements Disposable {
  readonly #options: FreeSpaceOptions
  readonly #timer: NodeJS.Timeout
  #free: FreeSpace = { freeBytes: Infinity, freeInodeCount: Infinity }
  #isShort = false

  constructor(options: FreeSpaceOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.look(), options.intervalMs).unref()
  }

  /** Looks now. Never rejects: a file system that cannot be asked keeps its last answer. */
  async look(): Promise<void> {
    const found = await statfs(this.#options.folder).catch(() => null)
    if (found === null) return
    this.#free = {
      freeBytes: found.bavail * found.bsize,
      freeInodeCount: found.files === 0 ? Infinity : found.ffree,
    }
    const isShort = !this.hasRoomFor(0)
    if (isShort === this.#isShort) return
    this.#isShort = isShort
    this.#options.onChanged(isShort, this.#free)
  }

  hasRoomFor(sizeBytes: number): boolean {
    const { reserveBytes, reserveInodeCount } = this.#options
    const { freeBytes, freeInodeCount } = this.#free
    return freeBytes - sizeBytes >= reserveBytes && freeInodeCount >= reserveInodeCount
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
