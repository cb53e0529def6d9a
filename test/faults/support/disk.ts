// A disk that may lose what was not synced. It is fed with the operations of a program; at any moment it
// says what it would hold if the power failed now: always what a sync covers, and of the rest what the
// caller chooses, down to nothing and down to single sectors.

import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { FileOperation } from './file-operations.ts'

/** Which sync makes the name of a new file durable. */
export type NameRule =
  /** Only that of the folder it stands in: what POSIX promises. */
  | 'folder'
  /** Also the sync of the file itself: what ext4, XFS and Btrfs do. */
  | 'folder-or-file'

export interface DiskOptions {
  readonly names: NameRule
  /** A sync that is not believed: the disk does not do it. */
  readonly isIgnored?: (sync: { readonly path: string; readonly isFolder: boolean }) => boolean
}

/** What of the unsynced operations reached the disk. `at`: position in the list of operations. */
export interface Survival {
  readonly survives: (at: number) => boolean
  /** Smallest piece of a write that is written or not as a whole. */
  readonly sectorBytes: number
  /** For a write that survives: whether this piece of it does. */
  readonly pieceSurvives: (at: number) => boolean
}

export const nothingSurvives: Survival = {
  survives: () => false,
  sectorBytes: 512,
  pieceSurvives: () => false,
}

export const everythingSurvives: Survival = {
  survives: () => true,
  sectorBytes: 512,
  pieceSurvives: () => true,
}

/** What a disk holds: path → bytes, or null for a folder. The folder itself is not listed. */
export type DiskImage = ReadonlyMap<string, Buffer | null>

type DataChange =
  | { readonly at: number; readonly kind: 'write'; readonly offset: number; readonly data: Buffer }
  | { readonly at: number; readonly kind: 'truncate'; readonly sizeBytes: number }

interface NameChange {
  readonly at: number
  readonly kind: 'set' | 'remove'
  readonly name: string
  readonly node: DiskNode
}

class DiskFile {
  readonly kind = 'file'
  durable: Buffer = Buffer.alloc(0)
  pending: readonly DataChange[] = []
}

class DiskFolder {
  readonly kind = 'folder'
  durable: ReadonlyMap<string, DiskNode> = new Map()
  pending: readonly NameChange[] = []
  /** As programs see it. */
  readonly current = new Map<string, DiskNode>()
}

type DiskNode = DiskFile | DiskFolder

export class Disk {
  readonly #root = new DiskFolder()
  readonly #folders = new Set<DiskFolder>([this.#root])
  readonly #options: DiskOptions
  /** What a failed sync left behind: no later one writes it. */
  readonly #lost = new Set<number>()
  #count = 0

  constructor(options: DiskOptions) {
    this.#options = options
  }

  /** Operations in the order of the list they come from, none left out. */
  apply(operation: FileOperation): void {
    const at = this.#count
    this.#count += 1
    switch (operation.kind) {
      case 'create':
        return this.#set(operation.path, new DiskFile(), at)
      case 'make-folder': {
        const folder = new DiskFolder()
        this.#folders.add(folder)
        return this.#set(operation.path, folder, at)
      }
      case 'write':
      case 'truncate': {
        const file = this.#file(operation.path)
        file.pending = [...file.pending, { ...operation, at }]
        return
      }
      case 'sync':
        return this.#sync(operation.path, operation.begunAt)
      case 'failed-sync': {
        const node = this.#node(operation.path)
        // A file system that cannot write its names stops altogether; it does not forget them.
        if (node.kind === 'folder') return
        for (const change of node.pending)
          if (change.at < operation.begunAt) this.#lost.add(change.at)
        return
      }
      case 'rename': {
        const node = this.#node(operation.from)
        this.#set(operation.to, node, at)
        return this.#remove(operation.from, at)
      }
      case 'link':
        return this.#set(operation.to, this.#node(operation.from), at)
      case 'remove':
        return this.#remove(operation.path, at)
      case 'said':
        return
    }
  }

  /** What is there if the power fails now. */
  image(survival: Survival): DiskImage {
    const found = new Map<string, Buffer | null>()
    const visit = (folder: DiskFolder, prefix: string): void => {
      const chosen = folder.pending.filter((change) => survival.survives(change.at))
      for (const [name, node] of withNames(folder.durable, chosen)) {
        const place = prefix + name
        if (node.kind === 'file') {
          found.set(place, fileImage(node, survival))
        } else {
          found.set(place, null)
          visit(node, `${place}/`)
        }
      }
    }
    visit(this.#root, '')
    return found
  }

  #sync(name: string, begunAt: number): void {
    const node = this.#node(name)
    if (this.#options.isIgnored?.({ path: name, isFolder: node.kind === 'folder' }) === true) return
    const isCovered = (change: { readonly at: number }): boolean =>
      change.at < begunAt && !this.#lost.has(change.at)
    if (node.kind === 'folder') {
      keepNames(node, isCovered)
      return
    }
    node.durable = withData(node.durable, node.pending.filter(isCovered))
    node.pending = node.pending.filter((change) => !isCovered(change))
    if (this.#options.names === 'folder') return
    const isItsName = (change: NameChange): boolean =>
      change.node === node && change.kind === 'set' && isCovered(change)
    for (const folder of this.#folders) keepNames(folder, isItsName)
  }

  #set(place: string, node: DiskNode, at: number): void {
    const { folder, name } = this.#parent(place)
    folder.current.set(name, node)
    folder.pending = [...folder.pending, { at, kind: 'set', name, node }]
  }

  #remove(place: string, at: number): void {
    const { folder, name } = this.#parent(place)
    const node = this.#node(place)
    folder.current.delete(name)
    folder.pending = [...folder.pending, { at, kind: 'remove', name, node }]
  }

  #parent(place: string): { readonly folder: DiskFolder; readonly name: string } {
    const above = path.dirname(place)
    const folder = above === '.' ? this.#root : this.#node(above)
    if (folder.kind !== 'folder') throw new Error(`${above} is no folder`)
    return { folder, name: path.basename(place) }
  }

  #node(place: string): DiskNode {
    if (place === '') return this.#root
    const { folder, name } = this.#parent(place)
    const node = folder.current.get(name)
    if (node === undefined) throw new Error(`nothing is known of ${place}`)
    return node
  }

  #file(place: string): DiskFile {
    const node = this.#node(place)
    if (node.kind !== 'file') throw new Error(`${place} is a folder`)
    return node
  }
}

function keepNames(folder: DiskFolder, isKept: (change: NameChange) => boolean): void {
  if (!folder.pending.some(isKept)) return
  folder.durable = withNames(folder.durable, folder.pending.filter(isKept))
  folder.pending = folder.pending.filter((change) => !isKept(change))
}

/** A name is only taken away from what it was taken away from: a later file of that name stays. */
function withNames(
  names: ReadonlyMap<string, DiskNode>,
  changes: readonly NameChange[],
): ReadonlyMap<string, DiskNode> {
  const changed = new Map(names)
  for (const { kind, name, node } of changes) {
    if (kind === 'set') changed.set(name, node)
    else if (changed.get(name) === node) changed.delete(name)
  }
  return changed
}

function withData(data: Buffer, changes: readonly DataChange[]): Buffer {
  const ends = changes.map((change) =>
    change.kind === 'write' ? change.offset + change.data.length : change.sizeBytes,
  )
  const changed = Buffer.alloc(ends.reduce((most, end) => Math.max(most, end), data.length))
  data.copy(changed)
  let size = data.length
  for (const change of changes) {
    if (change.kind === 'write') {
      change.data.copy(changed, change.offset)
      size = Math.max(size, change.offset + change.data.length)
    } else {
      changed.fill(0, Math.min(size, change.sizeBytes))
      size = change.sizeBytes
    }
  }
  return changed.subarray(0, size)
}

function fileImage(file: DiskFile, survival: Survival): Buffer {
  const chosen = file.pending.filter((change) => survival.survives(change.at))
  return chosen.length === 0
    ? file.durable
    : withData(
        file.durable,
        chosen.flatMap((change) => survivingPieces(change, survival)),
      )
}

/** A write in pieces that end where sectors end, without those that do not survive. */
function survivingPieces(change: DataChange, survival: Survival): readonly DataChange[] {
  if (change.kind === 'truncate') return [change]
  const { at, offset, data } = change
  const pieces: DataChange[] = []
  for (let from = 0; from < data.length;) {
    const sectorEnd = survival.sectorBytes - ((offset + from) % survival.sectorBytes)
    const piece = data.subarray(from, from + sectorEnd)
    if (survival.pieceSurvives(at)) {
      pieces.push({ at, kind: 'write', offset: offset + from, data: piece })
    }
    from += piece.length
  }
  return pieces
}

/** The same for two images exactly when they hold the same. */
export function imageKey(image: DiskImage): string {
  const lines = [...image].map(([place, data]) => `${place} ${data === null ? '' : digestOf(data)}`)
  return createHash('sha1').update(lines.toSorted().join('\n')).digest('hex')
}

/** Buffers of a disk are never changed once made, and most stay from one image to the next. */
const digests = new WeakMap<Buffer, string>()

function digestOf(data: Buffer): string {
  const known = digests.get(data)
  if (known !== undefined) return known
  const digest = createHash('sha1').update(data).digest('hex')
  digests.set(data, digest)
  return digest
}

/** Into an empty folder. */
export function writeImage(folder: string, image: DiskImage): void {
  for (const [place, data] of image) {
    const file = path.join(folder, place)
    if (data === null) mkdirSync(file, { mode: 0o700 })
    else writeFileSync(file, data, { mode: 0o600 })
  }
}
