// Content too large for the database: one file each. What has to be done in which order so that it
// survives the loss of power before its row is written.

import { mkdirSync, statSync } from 'node:fs'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { crc32 } from 'node:zlib'

/** The file operations, so that a test can have each of them fail. */
export interface FileOperations {
  readonly open: typeof open
  readonly rename: typeof rename
  readonly rm: typeof rm
}

export const fileOperations: FileOperations = { open, rename, rm }

const readBytes = 256 * 1024

/**
 * Creates the folder with what is missing above it. Their names are durable when it resolves, also of those
 * that were there: an earlier start may have been killed before it synced them. Throws the system's error.
 */
export async function createFolder(folder: string): Promise<void> {
  const whole = path.resolve(folder)
  mkdirSync(whole, { recursive: true, mode: 0o700 })
  const { dev } = statSync(whole)
  for (let above = path.dirname(whole); ; above = path.dirname(above)) {
    // A folder that another file system is mounted on, or that we may not read, is not of our making.
    if (statSync(above).dev !== dev) return
    try {
      await syncFolder(above)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EACCES') return
      throw error
    }
    if (above === path.dirname(above)) return
  }
}

/** The names in a folder are durable when it resolves. */
export async function syncFolder(
  folder: string,
  operations: FileOperations = fileOperations,
): Promise<void> {
  const handle = await operations.open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export class ContentFiles {
  readonly #folder: string
  readonly #operations: FileOperations

  constructor(folder: string, operations: FileOperations = fileOperations) {
    this.#folder = folder
    this.#operations = operations
  }

  pathOf(id: string): string {
    return path.join(this.#folder, id)
  }

  /**
   * Takes a complete file over as the content of `id`: bytes synced, renamed, folder synced. Gives its
   * size and the checksum of `prefix` and of what lies behind `offset`. Rejects with the system's error;
   * then the file is wherever it was, under one of both names, and not durable.
   */
  async take(
    id: string,
    file: { readonly path: string; readonly offset: number },
    prefix: Uint8Array,
  ): Promise<{ readonly sizeBytes: number; readonly crc: number }> {
    const handle = await this.#operations.open(file.path, 'r')
    try {
      await handle.datasync()
      let crc = crc32(prefix)
      let position = file.offset
      const buffer = Buffer.allocUnsafeSlow(readBytes)
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, readBytes, position)
        if (bytesRead === 0) break
        crc = crc32(buffer.subarray(0, bytesRead), crc)
        position += bytesRead
      }
      await this.#operations.rename(file.path, this.pathOf(id))
      await syncFolder(this.#folder, this.#operations)
      return { sizeBytes: position - file.offset, crc }
    } finally {
      await handle.close()
    }
  }

  /** Not durable: a file without a row is removed at the next start. */
  async remove(id: string): Promise<void> {
    await this.#operations.rm(this.pathOf(id), { force: true })
  }

  /** Size of the file, or null when there is none. */
  async sizeOf(id: string): Promise<number | null> {
    return await stat(this.pathOf(id)).then(
      ({ size }) => size,
      () => null,
    )
  }

  async list(): Promise<readonly string[]> {
    return await readdir(this.#folder)
  }
}
