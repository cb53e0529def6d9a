// Opening what a log is written to.

import { constants, fstatSync, openSync, type Stats } from 'node:fs'
import { TelemetryOpenError } from './telemetry-open-error.ts'

/** `descriptor` is an open one, such as 1 for standard output. `path` is absolute. */
export type LogTarget =
  | { readonly kind: 'descriptor'; readonly descriptor: number }
  | { readonly kind: 'file'; readonly path: string }

export interface OpenTarget {
  readonly descriptor: number
  /** Opened here, so it is closed here. */
  readonly isOwn: boolean
}

/** @throws {TelemetryOpenError} when a file cannot be opened for appending, or nothing is open there. */
export function openLogTarget(target: LogTarget): OpenTarget {
  if (target.kind === 'descriptor') return openDescriptor(target.descriptor)
  try {
    return { descriptor: openSync(target.path, 'a', 0o640), isOwn: true }
  } catch (error) {
    throw new TelemetryOpenError(`cannot open the log file ${target.path}`, error)
  }
}

/**
 * Makes writing to a pipe or terminal return EAGAIN instead of waiting. A waiting write holds one of
 * the four threads that files and DNS need too, and Node cannot exit before it returns (tried with a
 * full pipe: it hangs). A pipe is opened again through /proc, so that the flag does not become that of
 * the others who hold it, such as the shell.
 */
function openDescriptor(descriptor: number): OpenTarget {
  const stats = statsOf(descriptor)
  if (stats.isSocket()) {
    // systemd's journal. It cannot be opened again; Node sets the flag when it makes its own stream.
    if (descriptor === 1) void process.stdout.writable
    return { descriptor, isOwn: false }
  }
  if (!stats.isFIFO() && !stats.isCharacterDevice()) return { descriptor, isOwn: false }
  try {
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY
    return { descriptor: openSync(`/proc/self/fd/${descriptor}`, flags), isOwn: true }
  } catch {
    return { descriptor, isOwn: false } // a terminal of another user, or no /proc: then it may wait
  }
}

function statsOf(descriptor: number): Stats {
  try {
    return fstatSync(descriptor)
  } catch (error) {
    throw new TelemetryOpenError(`cannot log to descriptor ${descriptor}`, error)
  }
}
