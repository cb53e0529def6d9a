// The content of one mail while it arrives: watched for its end, its size and its line ends, kept in
// memory while small, in a file when large. Never more in memory than agreed, whatever the client sends.

import type { StoredContent } from '#handover/handover.ts'
import { HeaderCollector } from '#message/header-section.ts'
import { PieceList } from '#base/piece-list.ts'
import type { WireDecoder } from '#smtp/content-decoder.ts'
import { bytesBehind } from './bytes-behind.ts'
import { ContentFile } from './content-file.ts'
import type { ContentMemory } from './content-memory.ts'

export interface IncomingContentOptions {
  readonly decoder: WireDecoder
  readonly maxBytes: number
  readonly maxHeaderBytes: number
  readonly maxInMemoryBytes: number
  readonly memory: ContentMemory
  readonly folder: string
  /** Names the temporary file: unique, fit for a file name. */
  readonly name: string
  /** The disk has caught up: reading from the client may go on, or `isStored` may have become true. */
  readonly onProgress: () => void
}

/** Length of the end-of-data mark behind the last line. */
const endMarkBytes = 3

export class IncomingContent {
  readonly #options: IncomingContentOptions
  readonly #decoder: WireDecoder
  readonly #header: HeaderCollector
  #pieces = new PieceList()
  #file: ContentFile | null = null
  #wireBytes = 0
  #reservedBytes = 0
  #isDiscarded = false

  constructor(options: IncomingContentOptions) {
    this.#options = options
    this.#decoder = options.decoder
    this.#header = new HeaderCollector(options.maxHeaderBytes)
  }

  /** Takes what arrived; gives what is not content any more, or null while the content goes on. */
  push(chunk: Buffer): Buffer | null {
    const { content, rest } = this.#decoder.push(chunk)
    this.#wireBytes += content.length
    if (this.isTooLarge) this.#forget()
    else this.#keep(content)
    return rest
  }

  /** Octets of the content as RFC 1870 counts them: without dot-stuffing and end mark. */
  get sizeBytes(): number {
    return this.#wireBytes - this.#decoder.stuffedDotCount - endMarkBytes
  }

  get isTooLarge(): boolean {
    return this.sizeBytes > this.#options.maxBytes
  }

  get hasBareNewline(): boolean {
    return this.#decoder.hasBareNewline
  }

  /** False while some of it may still come: only a refusal can be said of it. */
  get isComplete(): boolean {
    return this.#decoder.isComplete
  }

  /** It is refused whatever may still come. */
  get isDoomed(): boolean {
    return this.isTooLarge || this.hasBareNewline || this.storageError !== null
  }

  /** The temporary file failed, so the mail cannot be taken. */
  get storageError(): Error | null {
    return this.#file?.error ?? null
  }

  /** The disk is behind: the client has to wait. */
  get isCongested(): boolean {
    return this.#file?.isCongested ?? false
  }

  /** Everything that arrived can be read. */
  get isStored(): boolean {
    return this.#file?.isIdle ?? true
  }

  /** The file that holds all of it; null: it is in memory. */
  get filePath(): string | null {
    return this.#file?.path ?? null
  }

  /** The beginning of the content with the whole header section; null when that is too large. */
  head(): Buffer | null {
    return this.#header.head()
  }

  /** To be read when `isStored`, until `discard`. */
  stored(head: Buffer): StoredContent {
    const file = this.#file
    const pieces = this.#pieces.all
    return {
      sizeBytes: this.#wireBytes,
      head,
      openFrom: (offset) => (file === null ? readPieces(pieces, offset) : file.openFrom(offset)),
    }
  }

  discard(): void {
    this.#isDiscarded = true
    this.#forget()
  }

  #keep(content: Buffer): void {
    if (content.length === 0 || this.#isDiscarded) return
    this.#header.push(content)
    if (this.#file === null && this.#fitsInMemory(content.length)) {
      this.#pieces.push(content)
      return
    }
    this.#file ??= this.#moveToFile()
    this.#file.push(content)
  }

  #fitsInMemory(bytes: number): boolean {
    const { maxInMemoryBytes, memory } = this.#options
    if (this.#reservedBytes + bytes > maxInMemoryBytes || !memory.reserve(bytes)) return false
    this.#reservedBytes += bytes
    return true
  }

  #moveToFile(): ContentFile {
    const { folder, name, onProgress } = this.#options
    const file = new ContentFile(folder, name, onProgress)
    for (const piece of this.#pieces.all) file.push(piece)
    this.#releaseMemory()
    return file
  }

  #releaseMemory(): void {
    this.#pieces = new PieceList()
    this.#options.memory.release(this.#reservedBytes)
    this.#reservedBytes = 0
  }

  #forget(): void {
    this.#releaseMemory()
    this.#file?.discard()
    this.#file = null
  }
}

function readPieces(
  pieces: readonly Buffer[],
  offset: number,
): ReturnType<StoredContent['openFrom']> {
  let isRead = false
  return {
    next: () => {
      if (isRead) return null
      isRead = true
      return offset === 0 ? pieces : bytesBehind(pieces, offset)
    },
    close: () => undefined,
  }
}
