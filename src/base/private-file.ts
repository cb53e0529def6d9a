// A database file that only its owner can read, made so that the relay's own user stays its owner.

import { chownSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'

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
