// Which clients have passed, and until when that counts. In memory, and behind it a file that workers share
// and a restart does not lose. It is a cache: whatever goes wrong with the file is told once a minute, and
// clients are tested again.

import type { Clock } from '#base/clock.ts'
import { openMemoryFile, type MemoryFile } from './memory-file.ts'

/** Wall time; 0: not passed, or too long ago. */
export interface Passes {
  readonly pregreetUntilMs: number
  readonly dnsblUntilMs: number
}

export interface MemoryOptions {
  /** Absolute; null: nothing outlives the process. */
  readonly folder: string | null
  readonly clock: Clock
  readonly maxCount: () => number
  readonly onFailure: (error: string) => void
}

export interface Memory {
  /** Never throws. One look-up in memory, else one synchronous SELECT. */
  readonly find: (key: string) => Passes | null
  /** Written within a second, with others. Never throws. */
  readonly put: (key: string, passes: Passes) => void
  readonly close: () => void
}

const tickMs = 1000
const maintenanceMs = 60_000
const reopenMs = 60_000
const failureEventMs = 60_000

export function openMemory(options: MemoryOptions): Memory {
  return new FileMemory(options)
}

class FileMemory implements Memory {
  readonly #options: MemoryOptions
  /** In order of use. */
  readonly #known = new Map<string, Passes>()
  readonly #pending = new Map<string, Passes>()
  readonly #timer: NodeJS.Timeout
  #file: MemoryFile | null = null
  #openedAt = -Infinity
  #maintainedAt = -Infinity
  #failureToldAt = -Infinity

  constructor(options: MemoryOptions) {
    this.#options = options
    this.#open()
    this.#timer = setInterval(() => this.#tick(), tickMs).unref()
  }

  find(key: string): Passes | null {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#file === null) return null
    try {
      const found = this.#file.find(key, this.#options.clock.now())
      if (found !== null) this.#keep(key, found)
      return found
    } catch (error) {
      this.#fail(error)
      return null
    }
  }

  put(key: string, passes: Passes): void {
    this.#keep(key, passes)
    this.#pending.set(key, passes)
    // A file that cannot be written must not fill the memory.
    dropOldest(this.#pending, this.#options.maxCount())
  }

  close(): void {
    clearInterval(this.#timer)
    this.#attempt((file) => this.#write(file))
    this.#drop()
  }

  #keep(key: string, passes: Passes): void {
    this.#known.delete(key)
    this.#known.set(key, passes)
    dropOldest(this.#known, this.#options.maxCount())
  }

  #open(): void {
    this.#openedAt = this.#options.clock.monotonicMs()
    try {
      this.#file = openMemoryFile(this.#options.folder)
    } catch (error) {
      this.#fail(error)
    }
  }

  #tick(): void {
    const now = this.#options.clock.monotonicMs()
    if (this.#file === null && now - this.#openedAt >= reopenMs) this.#open()
    this.#attempt((file) => {
      this.#write(file)
      if (now - this.#maintainedAt < maintenanceMs) return
      this.#maintainedAt = now
      file.purge(this.#options.clock.now(), this.#options.maxCount())
    })
  }

  #write(file: MemoryFile): void {
    if (this.#pending.size === 0) return
    file.write(this.#pending)
    this.#pending.clear()
  }

  #attempt(work: (file: MemoryFile) => void): void {
    if (this.#file === null) return
    try {
      work(this.#file)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** A busy file is tried again at the next tick; any other fault closes it for a while. */
  #fail(error: unknown): void {
    if (isBusy(error)) return
    this.#drop()
    const now = this.#options.clock.monotonicMs()
    this.#openedAt = now
    if (now - this.#failureToldAt < failureEventMs) return
    this.#failureToldAt = now
    this.#options.onFailure(error instanceof Error ? error.message : String(error))
  }

  #drop(): void {
    try {
      this.#file?.close()
    } catch {
      // It is given up either way.
    }
    this.#file = null
  }
}

function dropOldest(passes: Map<string, Passes>, maxCount: number): void {
  for (const key of passes.keys()) {
    if (passes.size <= maxCount) return
    passes.delete(key)
  }
}

const sqliteBusy = 5

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === sqliteBusy
}
