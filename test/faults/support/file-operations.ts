// From system calls to what they did to the files of one folder, in the order in which they ended. What
// would change a file in a way that is not understood here is an error, never passed over.

import path from 'node:path'
import { bytesOf, descriptorOf, hexOf, vectorBytesOf, type SystemCall } from './strace-log.ts'

/** Paths are relative to the watched folder; '' is the folder itself. */
export type FileOperation =
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'make-folder'; readonly path: string }
  | {
      readonly kind: 'write'
      readonly path: string
      readonly offset: number
      readonly data: Buffer
    }
  | { readonly kind: 'truncate'; readonly path: string; readonly sizeBytes: number }
  /** Of a file or folder. Covers the operations before `begunAt`, a position in the list. */
  | { readonly kind: 'sync'; readonly path: string; readonly begunAt: number }
  /** The kernel gives up what it could not write, and calls it clean: a later sync does not bring it. */
  | { readonly kind: 'failed-sync'; readonly path: string; readonly begunAt: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  /** A second name for a file. */
  | { readonly kind: 'link'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  /** The program wrote this to its standard output, or to a socket. Others may know it once `begunAt` operations ended. */
  | { readonly kind: 'said'; readonly text: string; readonly begunAt: number }

/** The calls that must be in the log: what changes files, and what would do so unseen. */
export const tracedCalls: readonly string[] = `
  openat open creat mkdir mkdirat link linkat symlink symlinkat rename renameat renameat2
  unlink unlinkat rmdir write pwrite64 writev pwritev pwritev2 ftruncate truncate fallocate
  fsync fdatasync sync syncfs sync_file_range mmap copy_file_range sendfile splice
`
  .trim()
  .split(/\s+/)

/** SQLite's index of the log: shared memory, never read after a crash. */
const isVolatile = (file: string): boolean => file.endsWith('-shm')

export interface OperationOptions {
  /** Absolute, without symbolic links. It is durable, and holds what `before` has left there. */
  readonly folder: string
  /** What earlier programs did to the folder; default: nothing, it was empty. */
  readonly before?: readonly FileOperation[]
  /** Where the program speaks; default: its standard output. */
  readonly voice?: 'standard-output' | 'sockets'
}

/** Which lines of a log concern the folder or the voice: a cheap test, for `readStraceLog`. */
export function concerns(options: OperationOptions): (line: string) => boolean {
  const folder = hexOf(options.folder)
  const voice = options.voice === 'sockets' ? `<${hexOf('socket:')}` : ' write(1<'
  return (line) => line.includes(folder) || line.includes(voice)
}

/** What was before, and then what the calls did. */
export function operationsOf(
  calls: Iterable<SystemCall>,
  options: OperationOptions,
): readonly FileOperation[] {
  const reader = new OperationReader(options)
  for (const call of calls) reader.read(call)
  return reader.operations
}

class OperationReader {
  readonly operations: FileOperation[]
  readonly #folder: string
  readonly #voice: NonNullable<OperationOptions['voice']>
  /** `begunAt` counts calls; this says how many operations there were after those calls. */
  readonly #operationsAfter: number[]
  /** Where the next `write` of a descriptor goes. */
  readonly #positions = new Map<string, number>()
  /** Those that exist. */
  readonly #files = new Set<string>()

  constructor(options: OperationOptions) {
    this.#folder = options.folder
    this.#voice = options.voice ?? 'standard-output'
    this.operations = [...(options.before ?? [])]
    this.#operationsAfter = [this.operations.length]
    for (const operation of this.operations) this.#follow(operation)
  }

  read(call: SystemCall): void {
    const isSync = call.name === 'fsync' || call.name === 'fdatasync'
    if (call.error === null || isSync) this.#readSuccess(call)
    this.#operationsAfter.push(this.operations.length)
  }

  #readSuccess(call: SystemCall): void {
    const [first = '', second = '', third = '', fourth = ''] = call.arguments
    switch (call.name) {
      case 'open':
        return this.#opened(this.#named(first), second, call)
      case 'openat':
        return this.#opened(this.#named(second, first), third, call)
      case 'mkdir':
        return this.#add(this.#named(first), (name) => ({ kind: 'make-folder', path: name }))
      case 'mkdirat':
        return this.#add(this.#named(second, first), (name) => ({
          kind: 'make-folder',
          path: name,
        }))
      case 'write':
        return this.#appended(first, bytesOf(second), call)
      case 'writev':
        return this.#appended(first, vectorBytesOf(second), call)
      case 'pwrite64':
        return this.#wrote(this.#opening(first), bytesOf(second), Number(fourth), call.result)
      case 'pwritev':
        return this.#wrote(this.#opening(first), vectorBytesOf(second), Number(fourth), call.result)
      case 'fsync':
      case 'fdatasync':
        return this.#synced(first, call)
      case 'ftruncate':
        return this.#add(this.#opening(first), (name) => truncated(name, second))
      case 'truncate':
        return this.#add(this.#named(first), (name) => truncated(name, second))
      case 'rename':
        return this.#renamed(this.#named(first), this.#named(second))
      case 'renameat':
        return this.#renamed(this.#named(second, first), this.#named(fourth, third))
      case 'link':
        return this.#linked(this.#named(first), this.#named(second))
      case 'linkat':
        return this.#linked(this.#named(second, first), this.#named(fourth, third))
      case 'unlink':
        return this.#removed(this.#named(first))
      case 'unlinkat':
        return this.#removed(this.#named(second, first))
      case 'rmdir':
        return this.#removed(this.#named(first))
      case 'mmap':
        return this.#mapped(call)
      default:
        // Only calls about the folder get here, and each of these would change it.
        throw new Error(
          `${call.name} is not understood: ${call.arguments.join(', ').slice(0, 200)}`,
        )
    }
  }

  /** Null: outside of the folder, or of no interest after a crash. */
  #inside(absolute: string): string | null {
    const name = path.relative(this.#folder, absolute)
    return name.startsWith('..') || path.isAbsolute(name) || isVolatile(name) ? null : name
  }

  #named(argument: string, folder = ''): string | null {
    const name = bytesOf(argument).toString()
    return this.#inside(folder === '' ? name : path.resolve(descriptorOf(folder).path, name))
  }

  /** The file of a descriptor; null also when it has lost its name: nothing brings it back. */
  #opening(argument: string): string | null {
    const descriptor = descriptorOf(argument)
    return descriptor.isDeleted ? null : this.#inside(descriptor.path)
  }

  #add(name: string | null, operation: (name: string) => FileOperation): void {
    if (name !== null) this.#push(operation(name))
  }

  #push(operation: FileOperation): void {
    this.operations.push(operation)
    this.#follow(operation)
  }

  #follow(operation: FileOperation): void {
    if (operation.kind === 'create') this.#files.add(operation.path)
    if (operation.kind === 'remove') this.#files.delete(operation.path)
    if (operation.kind !== 'rename' && operation.kind !== 'link') return
    if (operation.kind === 'rename') this.#files.delete(operation.from)
    this.#files.add(operation.to)
  }

  #opened(name: string | null, flags: string, call: SystemCall): void {
    if (name === null) return
    if (/O_TMPFILE|O_DIRECT\b/.test(flags)) throw new Error(`${flags} is not understood`)
    const isNew = flags.includes('O_CREAT') && !this.#files.has(name)
    if (isNew) {
      this.#push({ kind: 'create', path: name })
    } else if (flags.includes('O_TRUNC')) {
      this.#push(truncated(name, '0'))
    }
    this.#positions.set(`${call.result} ${name}`, flags.includes('O_APPEND') ? NaN : 0)
  }

  #appended(descriptor: string, data: Buffer, call: SystemCall): void {
    const { number, path: place } = descriptorOf(descriptor)
    const name = this.#opening(descriptor)
    if (name === null) {
      const isVoice = this.#voice === 'sockets' ? place.startsWith('socket:') : number === 1
      if (isVoice) this.#said(data.subarray(0, call.result), call)
      return
    }
    const key = `${number} ${name}`
    const position = this.#positions.get(key) ?? NaN
    if (Number.isNaN(position)) throw new Error(`unknown position of a write to ${name}`)
    this.#wrote(name, data, position, call.result)
    this.#positions.set(key, position + call.result)
  }

  #said(data: Buffer, call: SystemCall): void {
    const begunAt = this.#operationsAfter[call.begunAt] ?? 0
    this.#push({ kind: 'said', text: data.toString(), begunAt })
  }

  #wrote(name: string | null, data: Buffer, offset: number, count: number): void {
    const written = data.subarray(0, count)
    this.#add(name, (file) => ({ kind: 'write', path: file, offset, data: written }))
  }

  #synced(descriptor: string, call: SystemCall): void {
    const begunAt = this.#operationsAfter[call.begunAt] ?? 0
    const kind = call.error === null ? 'sync' : 'failed-sync'
    this.#add(this.#opening(descriptor), (name) => ({ kind, path: name, begunAt }))
  }

  #renamed(from: string | null, to: string | null): void {
    if (from === null && to === null) return
    if (from === null || to === null) throw new Error('renamed across the border of the folder')
    this.#push({ kind: 'rename', from, to })
  }

  #linked(from: string | null, to: string | null): void {
    if (from === null && to === null) return
    if (from === null || to === null) throw new Error('linked across the border of the folder')
    this.#push({ kind: 'link', from, to })
  }

  #removed(name: string | null): void {
    this.#add(name, (place) => ({ kind: 'remove', path: place }))
  }

  /** A file written through memory would change without a call. */
  #mapped(call: SystemCall): void {
    const [, , protection = '', flags = '', descriptor = ''] = call.arguments
    if (!flags.includes('MAP_SHARED') || !protection.includes('PROT_WRITE')) return
    const name = this.#opening(descriptor)
    if (name !== null) throw new Error(`${name} is written through memory`)
  }
}

function truncated(name: string, size: string): FileOperation {
  return { kind: 'truncate', path: name, sizeBytes: Number(size) }
}
