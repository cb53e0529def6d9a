// Files that only their owner can read, made so that the relay's own user stays their owner.

import { randomUUID } from 'node:crypto'
import { chownSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { chown, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'

/**
 * Creates folder and file where they are missing. SQLite gives its -wal and -shm the mode of the main
 * file, so this one mode is enough. A command run by root must not leave a file behind that the relay's
 * own user cannot open: the file goes to the owner of the folder. Throws the system's error.
 */
export function createPrivately(folder: string, path: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return
  closeSync(openSync(path, 'a', 0o600))
  const { uid, gid } = statSync(folder)
  if (process.getuid?.() === 0) chownSync(path, uid, gid)
}

/**
 * Writes a small file whole or not at all: a synced new one takes the old one's place. As above, what root
 * writes goes to the owner of the folder that holds `folder`, which is made when missing. Rejects with the
 * system's error.
 */
export async function replacePrivately(folder: string, name: string, text: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  const isRoot = process.getuid?.() === 0
  const { uid, gid } = await stat(path.dirname(folder))
  if (isRoot && made !== undefined) await chown(folder, uid, gid)
  // A command and the relay may write the same file at the same time: each its own, and the last one counts.
  const fresh = path.join(folder, `${name}.${randomUUID()}.new`)
  try {
    await using handle = await open(fresh, 'wx', 0o600)
    await handle.writeFile(text)
    if (isRoot) await handle.chown(uid, gid)
    await handle.datasync()
    await rename(fresh, path.join(folder, name))
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}
