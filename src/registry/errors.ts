// How the registry fails: opening it (the operator reads the message) and writing to it.

export type RegistryOpenCode =
  /** Not a database, or a damaged one. */
  | 'corrupt'
  /** Written by a newer Pforte than this one. */
  | 'newer'
  /** A database of something else. */
  | 'foreign'
  /** The file or its folder cannot be opened, read or written. */
  | 'inaccessible'

export class RegistryOpenError extends Error {
  readonly code: RegistryOpenCode

  constructor(code: RegistryOpenCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RegistryOpenError'
    this.code = code
  }
}

export type RegistryWriteCode =
  /** Another process held the store for longer than the lock wait. Trying again helps. */
  | 'busy'
  | 'disk-full'
  | 'read-only'
  | 'corrupt'
  /** The domain was not made by createServedDomain and could not be read back. A bug of the caller. */
  | 'invalid'
  | 'closed'
  | 'failed'

/** Nothing of the change was stored. `cause` is the error of the store, if there was one. */
export class RegistryWriteError extends Error {
  readonly code: RegistryWriteCode

  constructor(code: RegistryWriteCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RegistryWriteError'
    this.code = code
  }
}

/** Primary result codes of SQLite, https://sqlite.org/rescode.html */
const codes: Readonly<Record<number, RegistryWriteCode>> = {
  5: 'busy',
  8: 'read-only',
  11: 'corrupt',
  13: 'disk-full',
  26: 'corrupt',
}

export function writeErrorOf(error: unknown): RegistryWriteError {
  if (error instanceof RegistryWriteError) return error
  const code = codes[sqliteCode(error) ?? 0] ?? 'failed'
  return new RegistryWriteError(code, `the registry was not changed: ${messageOf(error)}`, {
    cause: error,
  })
}

export function openErrorOf(error: unknown, path: string): RegistryOpenError {
  if (error instanceof RegistryOpenError) return error
  const isCorrupt = codes[sqliteCode(error) ?? 0] === 'corrupt'
  if (isCorrupt) return damaged(path, messageOf(error), { cause: error })
  const message = `the registry ${path} cannot be opened: ${messageOf(error)}`
  return new RegistryOpenError('inaccessible', message, { cause: error })
}

export function damaged(path: string, detail: string, options?: ErrorOptions): RegistryOpenError {
  const message =
    `the registry ${path} is damaged (${detail}): move it away with its -wal and -shm files, ` +
    'then restore a copy or run `pforte domain apply` with an exported file'
  return new RegistryOpenError('corrupt', message, options)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The primary code: the extended ones keep it in their low byte. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
