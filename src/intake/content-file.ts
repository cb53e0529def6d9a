// Large content on its way through: written to a temporary file while it arrives, read back for each
// next hop. Nothing here is durable; the spool takes the file over by its name when it has to be.

import fs from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { StoredContent } from '#handover/handover.ts'
import { bytesBehind } from './bytes-behind.ts'

type ContentReader = ReturnType<StoredContent['openFrom']>

/** Piece in which a file is read: enough that system calls do not count, little enough for many mails. */
const readBytes = 256 * 1024
/** The client is held up while more than this waits for the disk. */
const congestedBytes = 256 * 1024
/** Or more pieces than this, however small they are. */
const congestedPieceCount = 1024

/** Creates the folder, and removes what an earlier run left behind. */
export async function prepareContentFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const names = await readdir(folder)
  const leftOver = names.filter((name) => name.endsWith('.content'))
  await Promise.all(leftOver.map((name) => rm(path.join(folder, name), { force: true })))
}

export class ContentFile {
  readonly #path: string
  readonly #onProgress: () => void
  #descriptor: number | null = null
  #queue: Buffer[] = []
  #queuedBytes = 0
  #writtenBytes = 0
  #isWriting = true
  #isDiscarded = false
  #error: Error | null = null

  /** `onProgress` is called whenever something was written, and after a failure. */
  constructor(folder: string, name: string, onProgress: () => void) {
    this.#path = path.join(folder, `${name}.content`)
    this.#onProgress = onProgress
    fs.open(this.#path, 'wx+', 0o600, (error, descriptor) => {
      this.#isWriting = false
      if (error === null) {
        this.#descriptor = descriptor
      }
      this.#proceed(error)
    })
  }

  /** Where it is, until it is discarded or somebody renames it. */
  get path(): string {
    return this.#path
  }

  /** Set once the file could not be created or written; what is pushed afterwards is dropped. */
  get error(): Error | null {
    return this.#error
  }

  get isCongested(): boolean {
    return this.#queuedBytes > congestedBytes || this.#queue.length > congestedPieceCount
  }

  /** All that was pushed is written (or given up). */
  get isIdle(): boolean {
    return !this.#isWriting && this.#queue.length === 0
  }

  push(chunk: Buffer): void {
    if (this.#error !== null) return
    this.#queue.push(chunk)
    this.#queuedBytes += chunk.length
    this.#writeQueue()
  }

  openFrom(offset: number): ContentReader {
    const buffer = Buffer.allocUnsafeSlow(readBytes)
    let position = offset
    const next = (): Promise<readonly Buffer[] | null> =>
      new Promise((resolve, reject) => {
        if (this.#descriptor === null) {
          reject(new Error('the temporary file is gone'))
          return
        }
        fs.read(this.#descriptor, buffer, 0, readBytes, position, (error, count) => {
          position += count
          if (error !== null) reject(error)
          else resolve(count === 0 ? null : [buffer.subarray(0, count)])
        })
      })
    return { next, close: () => undefined }
  }

  /** Removes the file, unless it has another name by now. What is being written is finished first. */
  discard(): void {
    this.#isDiscarded = true
    this.#queue = []
    this.#queuedBytes = 0
    if (!this.#isWriting) this.#letGo()
  }

  #writeQueue(): void {
    if (this.#isWriting || this.#descriptor === null || this.#queue.length === 0) return
    const pieces = this.#queue
    this.#queue = []
    this.#isWriting = true
    this.#writeAll(this.#descriptor, pieces)
  }

  #writeAll(descriptor: number, pieces: readonly Buffer[]): void {
    fs.writev(descriptor, pieces, this.#writtenBytes, (error, count) => {
      this.#writtenBytes += count
      this.#queuedBytes -= count
      const rest = error === null ? bytesBehind(pieces, count) : []
      // A short write is legal (a disk that has just become full): the rest is written again, or fails.
      if (rest.length > 0 && count > 0) {
        this.#writeAll(descriptor, rest)
        return
      }
      this.#isWriting = false
      this.#proceed(error ?? (rest.length > 0 ? new Error('nothing could be written') : null))
    })
  }

  #proceed(error: Error | null): void {
    if (error !== null) {
      this.#error = error
      this.#queue = []
      this.#queuedBytes = 0
    }
    if (this.#isDiscarded) {
      this.#letGo()
      return
    }
    this.#writeQueue()
    this.#onProgress()
  }

  #letGo(): void {
    if (this.#descriptor === null) return
    const descriptor = this.#descriptor
    this.#descriptor = null
    // In this order: when its name is gone, so is the room it took.
    fs.close(descriptor, () => fs.unlink(this.#path, () => undefined))
  }
}
