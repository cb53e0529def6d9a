// Opens the spool for the relay: takes ownership, starts the thread that writes, puts large content in place.

import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { crc32 } from 'node:zlib'
import type { Clock } from '#base/clock.ts'
import { contentOf } from './content-reader.ts'
import { ContentFiles, createFolder, fileOperations, type FileOperations } from './content-files.ts'
import { spoolErrorOf } from './database.ts'
import { FreeSpaceWatch } from './free-space.ts'
import type { EntryRow, LeaseRow, SpoolAnswers } from './messages.ts'
import { takeOwnership } from './owner.ts'
import {
  SpoolError,
  type Lease,
  type NewEntry,
  type RecoveryReport,
  type Settlement,
  type Spool,
  type SpoolEvent,
  type SpoolId,
  type SpoolState,
} from './spool.ts'
import { SpoolThread } from './spool-thread.ts'

export interface SpoolOptions {
  /** Made when missing. Holds spool.db, `content/` and `incoming/`. */
  readonly folder: string
  /** What has to stay free on its file system. */
  readonly reserveBytes: number
  readonly reserveInodeCount: number
  /** Longest pause of the schedule: an attempt due later than that was planned by a clock that jumped. */
  readonly maxDelayMs: number
  readonly clock: Clock
  readonly emit: (event: SpoolEvent) => void
  /** For tests that have each of them fail. */
  readonly operations?: FileOperations
}

const freeSpaceIntervalMs = 1000

/** Temporary files of mails that arrive: on the file system of the spool, so that they can be renamed into it. */
export function incomingFolder(folder: string): string {
  return path.join(folder, 'incoming')
}

/** Rejects with a SpoolError: another process owns the spool, or it cannot be opened. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { folder, clock } = options
  try {
    await createFolder(path.join(folder, 'content'))
    await createFolder(incomingFolder(folder))
  } catch (error) {
    throw spoolErrorOf(error, `cannot create the spool folder ${folder}`)
  }
  const ownership = takeOwnership(folder, clock.now())
  const spool = new OwnedSpool(options, ownership)
  try {
    await spool.start()
    return spool
  } catch (error) {
    await spool.close()
    throw error
  }
}

class OwnedSpool implements Spool {
  readonly #options: SpoolOptions
  readonly #ownership: Disposable
  readonly #files: ContentFiles
  readonly #thread: SpoolThread
  readonly #freeSpace: FreeSpaceWatch
  #state: SpoolState
  #recovery: Promise<RecoveryReport> | null = null
  #isClosed = false
  /** Their content files may be in place before their rows. */
  readonly #committing = new Map<SpoolId, Promise<void>>()

  constructor(options: SpoolOptions, ownership: Disposable) {
    const { folder, maxDelayMs, emit, clock } = options
    this.#options = options
    this.#ownership = ownership
    this.#files = new ContentFiles(
      path.join(folder, 'content'),
      options.operations ?? fileOperations,
    )
    this.#state = { kind: 'stopped', sinceMs: clock.now(), detail: 'not opened yet' }
    this.#thread = new SpoolThread(
      () =>
        new Worker(new URL('./spool-worker.ts', import.meta.url), {
          workerData: { folder, maxDelayMs },
        }),
      (detail) => this.#onStopped(detail),
    )
    this.#freeSpace = new FreeSpaceWatch({
      folder,
      reserveBytes: options.reserveBytes,
      reserveInodeCount: options.reserveInodeCount,
      intervalMs: freeSpaceIntervalMs,
      onChanged: (isShort, free) =>
        emit({ kind: isShort ? 'spool-short' : 'spool-roomy', ...free }),
    })
  }

  async start(): Promise<void> {
    await this.#freeSpace.look()
    await this.recover()
  }

  async commit(entry: NewEntry): Promise<void> {
    const { id } = entry
    this.#refuseWhenStopped()
    if (!/^[\w-][\w.-]{0,63}$/.test(id)) throw new SpoolError('invalid', 'an id names a file')
    if (this.#committing.has(id)) throw alreadyThere(id)
    const committed = this.#commit(entry).finally(() => this.#committing.delete(id))
    this.#committing.set(id, committed)
    await committed
  }

  async #commit(entry: NewEntry): Promise<void> {
    const { id, content } = entry
    // The file of another mail must not be replaced, nor removed because this one fails.
    if (content.file !== null && (await this.#files.sizeOf(id)) !== null) throw alreadyThere(id)
    const row = await this.#rowContent(entry).catch(async (error: unknown) => {
      const cause = spoolErrorOf(error, `cannot store the content of ${id}`)
      // The failed sync of a file says that the disk fails: see writer.ts.
      if (cause.kind === 'io') await this.#thread.ask({ kind: 'stop', detail: cause.message })
      await this.#removeFile(id)
      throw cause
    })
    try {
      await this.#thread.ask({ kind: 'commit', entry: { ...entry, content: row } }, [
        row.prefix.buffer,
      ])
    } catch (error) {
      if (content.file !== null && !(error instanceof SpoolError && error.isUnclear)) {
        await this.#removeFile(id)
      }
      throw error
    }
  }

  async lease(request: Parameters<Spool['lease']>[0]): Promise<readonly Lease[]> {
    const rows = await this.#thread.ask({ kind: 'lease', request })
    return await Promise.all(rows.map((row) => this.#toLease(row)))
  }

  async settle(...[lease, settlement]: Parameters<Spool['settle']>): Promise<boolean> {
    const { id, domain, movedTo } = lease
    const { wasThere, isGone, hasFile } = await this.#thread.ask({
      kind: 'settle',
      id,
      domain,
      movedTo,
      settlement,
    })
    if (isGone && hasFile) await this.#removeFile(id)
    if (wasThere) this.#tellDamage(id, settlement)
    return wasThere
  }

  async hurry(domain: string): Promise<number> {
    return await this.#thread.ask({ kind: 'hurry', domain })
  }

  async hold(...[which, reason]: Parameters<Spool['hold']>): Promise<SpoolAnswers['hold']> {
    return await this.#thread.ask({ kind: 'hold', which, reason, nowMs: this.#options.clock.now() })
  }

  async due(): Promise<SpoolAnswers['due']> {
    return await this.#thread.ask({ kind: 'due' })
  }

  async stats(): Promise<SpoolAnswers['stats']> {
    return await this.#thread.ask({ kind: 'stats' })
  }

  hasRoomFor(sizeBytes: number): boolean {
    return this.#freeSpace.hasRoomFor(sizeBytes)
  }

  state(): SpoolState {
    return this.#state
  }

  recover(): Promise<RecoveryReport> {
    this.#recovery ??= this.#recover().finally(() => (this.#recovery = null))
    return this.#recovery
  }

  async close(): Promise<void> {
    this.#freeSpace[Symbol.dispose]()
    this.#isClosed = true
    this.#state = { kind: 'stopped', sinceMs: this.#options.clock.now(), detail: 'it is closed' }
    await Promise.allSettled(this.#committing.values())
    await this.#thread.close()
    this.#ownership[Symbol.dispose]()
  }

  async #recover(): Promise<RecoveryReport> {
    try {
      return await this.#reopen()
    } catch (error) {
      // It was opened before a page was found that is not readable: the next time it is salvaged.
      if (!(error instanceof SpoolError) || error.kind !== 'damaged') throw error
      return await this.#reopen()
    }
  }

  async #reopen(): Promise<RecoveryReport> {
    if (this.#isClosed) this.#refuseWhenStopped()
    const { clock, emit, folder } = this.#options
    const startMs = clock.monotonicMs()
    const { entryCount, salvage } = await this.#thread.ask({ kind: 'recover' })
    if (salvage !== null) emit({ kind: 'spool-salvaged', ...salvage })
    const orphanCount = this.#state.kind === 'open' ? 0 : await this.#removeOrphans()
    const report: RecoveryReport = { entryCount, orphanCount }
    if (this.#state.kind === 'stopped' && !this.#isClosed) {
      this.#state = { kind: 'open' }
      const tookMs = clock.monotonicMs() - startMs
      emit({ kind: 'spool-opened', folder, report, tookMs })
    }
    return report
  }

  /**
   * Content files without an entry: nobody got a 250 for them. In this order, or the file of a commit that
   * comes to its end meanwhile would look like one.
   */
  async #removeOrphans(): Promise<number> {
    // That they cannot be listed is no reason not to open: the next `recover` finds them.
    const files = await this.#files.list().catch(() => [])
    const committing = new Set(this.#committing.keys())
    const filed = new Set(await this.#thread.ask({ kind: 'filed' }))
    const orphans = files.filter((id) => !filed.has(id) && !committing.has(id))
    for (const id of orphans) await this.#removeFile(id)
    return orphans.length
  }

  async #rowContent(entry: NewEntry): Promise<EntryRow['content']> {
    const { prefix, file, sizeBytes } = entry.content
    const bytes = joined(prefix)
    if (file === null) {
      return { prefix: bytes, fileOffset: null, sizeBytes, crc: crc32(bytes) }
    }
    const taken = await this.#files.take(entry.id, file, bytes)
    const allBytes = bytes.length + taken.sizeBytes
    if (allBytes !== sizeBytes) {
      throw new SpoolError('invalid', `content of ${allBytes} bytes was said to have ${sizeBytes}`)
    }
    return { prefix: bytes, fileOffset: file.offset, sizeBytes, crc: taken.crc }
  }

  async #toLease({ content, ...row }: LeaseRow): Promise<Lease> {
    const { fileOffset, sizeBytes, crc } = content
    const prefix = Buffer.from(
      content.prefix.buffer,
      content.prefix.byteOffset,
      content.prefix.length,
    )
    if (fileOffset === null) {
      return { ...row, content: contentOf({ prefix, file: null, sizeBytes, crc }) }
    }
    const wantedBytes = sizeBytes - prefix.length + fileOffset
    const foundBytes = await this.#files.sizeOf(row.id)
    if (foundBytes !== wantedBytes) {
      return { ...row, content: null }
    }
    const file = { path: this.#files.pathOf(row.id), offset: fileOffset }
    return { ...row, content: contentOf({ prefix, file, sizeBytes, crc }) }
  }

  #tellDamage(id: SpoolId, { recipients }: Settlement): void {
    const damaged = recipients.find(({ fate }) => fate.kind === 'held' && fate.reason === 'damaged')
    if (damaged === undefined) return
    const detail = damaged.reply ?? ''
    this.#options.emit({ kind: 'spool-entry-damaged', id, detail })
  }

  #refuseWhenStopped(): void {
    if (this.#state.kind === 'open') return
    throw new SpoolError('stopped', `the spool is stopped: ${this.#state.detail}`)
  }

  /** What cannot be removed is an orphan: the next `recover` removes it. */
  async #removeFile(id: SpoolId): Promise<void> {
    await this.#files.remove(id).catch(() => undefined)
  }

  #onStopped(detail: string): void {
    if (this.#state.kind === 'stopped') return
    this.#state = { kind: 'stopped', sinceMs: this.#options.clock.now(), detail }
    this.#options.emit({ kind: 'spool-stopped', detail })
  }
}

function alreadyThere(id: SpoolId): SpoolError {
  return new SpoolError('invalid', `the spool has an entry ${id} already`)
}

/** A copy in memory of its own, which can be given to the thread. */
function joined(pieces: readonly Buffer[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let offset = 0
  for (const piece of pieces) {
    bytes.set(piece, offset)
    offset += piece.length
  }
  return bytes
}
