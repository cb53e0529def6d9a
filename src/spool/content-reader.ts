// Reads stored content, and vouches for it: the last piece is given only when the checksum over all of
// them is the one that was stored, so that a next hop never gets the end of a mail that is not right.

import { open, type FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { SpoolError, type SpoolContent, type SpoolContentReader } from './spool.ts'

export interface StoredContent {
  readonly prefix: Buffer
  /** Null: the prefix is everything. */
  readonly file: { readonly path: string; readonly offset: number } | null
  readonly sizeBytes: number
  /** CRC-32 over all bytes. */
  readonly crc: number
}

/** Piece in which a file is read. */
const readBytes = 256 * 1024

export function contentOf(stored: StoredContent): SpoolContent {
  return {
    sizeBytes: stored.sizeBytes,
    open: () => (stored.file === null ? readPrefix(stored) : new FileReader(stored, stored.file)),
  }
}

/** What is wrong with content that was read as a whole, or null. */
export function contentProblem(
  stored: StoredContent,
  sizeBytes: number,
  crc: number,
): string | null {
  if (sizeBytes !== stored.sizeBytes) {
    return `the content has ${sizeBytes} bytes, stored were ${stored.sizeBytes}`
  }
  return crc === stored.crc ? null : 'the checksum of the content is wrong'
}

/** Content that is not there is damaged; a file that cannot be opened now may be later. */
function asDamage(error: unknown): never {
  const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT'
  throw isGone ? new SpoolError('damaged', 'its content file is not there') : error
}

function readPrefix(stored: StoredContent): SpoolContentReader {
  let isRead = false
  return {
    next: () => {
      if (isRead) return null
      const problem = contentProblem(stored, stored.prefix.length, crc32(stored.prefix))
      if (problem !== null) return Promise.reject(new SpoolError('damaged', problem))
      isRead = true
      return [stored.prefix]
    },
    close: () => undefined,
  }
}

class FileReader implements SpoolContentReader {
  readonly #stored: StoredContent
  readonly #handle: Promise<FileHandle>
  #position: number
  #crc: number
  #readBytes: number
  /** Read, but not given: the file may end behind it. */
  #held: Buffer
  #isAtEnd = false

  constructor(stored: StoredContent, file: { readonly path: string; readonly offset: number }) {
    this.#stored = stored
    this.#position = file.offset
    this.#handle = open(file.path, 'r').catch(asDamage)
    this.#handle.catch(() => undefined) // told by next()
    this.#crc = crc32(stored.prefix)
    this.#readBytes = stored.prefix.length
    this.#held = stored.prefix
  }

  async next(): Promise<readonly Buffer[] | null> {
    if (this.#isAtEnd) return null
    const handle = await this.#handle
    const buffer = Buffer.allocUnsafeSlow(readBytes)
    const { bytesRead } = await handle.read(buffer, 0, readBytes, this.#position)
    const given = this.#held
    if (bytesRead > 0) {
      this.#held = buffer.subarray(0, bytesRead)
      this.#position += bytesRead
      this.#readBytes += bytesRead
      this.#crc = crc32(this.#held, this.#crc)
      return [given]
    }
    this.#isAtEnd = true
    const problem = contentProblem(this.#stored, this.#readBytes, this.#crc)
    if (problem !== null) throw new SpoolError('damaged', problem)
    return [given]
  }

  close(): void {
    this.#isAtEnd = true
    void this.#handle.then((handle) => handle.close()).catch(() => undefined)
  }
}
