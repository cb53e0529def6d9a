// The whole relay with a failing disk: strace answers some of its calls in place of the kernel.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { StraceProgram } from './strace-program.ts'

export interface Mischief {
  /** Relative to the folder of state; calls on other files are left alone. */
  readonly path: string
  /** As strace takes it behind `inject=`. */
  readonly inject: string
}

/** What goes in front of the program (`wrapper` of startRelay). `folder` is the relay's. */
export function mischiefMaker(
  strace: Extract<StraceProgram, { kind: 'ready' }>,
  folder: string,
  mischief: Mischief,
): readonly string[] {
  const [name = ''] = mischief.inject.split(':')
  const watched = path.join(folder, 'state', mischief.path)
  const always = ['-f', '-qq', '-y', '-s', '8', '--signal=none', '-o', logOf(folder)]
  const chosen = ['-P', watched, '-e', `trace=${name}`, '-e', `inject=${mischief.inject}`]
  return [strace.file, ...always, ...chosen, '--']
}

/** The calls on the watched file so far, a line each. */
export function watchedCalls(folder: string): readonly string[] {
  return readFileSync(logOf(folder), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
}

/** The relay itself; what startRelay knows is the tracer. */
export function relayPid(spoolFolder: string): number {
  const text = readFileSync(path.join(spoolFolder, 'owner.json'), 'utf8')
  return (JSON.parse(text) as { readonly pid: number }).pid
}

function logOf(folder: string): string {
  return path.join(folder, 'strace.log')
}
