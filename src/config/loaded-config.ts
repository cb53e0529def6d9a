// The shapes loading a configuration gives: the values, where each came from, or what is wrong.

import type { Config } from './config.ts'

/** Where an effective value came from. Lines count from 1. */
export type Origin =
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'default'; readonly reason: string }

export interface LoadedConfig {
  readonly config: Config
  /** Absolute path of the file it was read from. */
  readonly file: string
  /** By key as it is written in the file, such as `limits.maxMessage`; one for every key there is. */
  readonly origins: Readonly<Record<string, Origin>>
  /**
   * The effective values by the same keys, as they could stand in a file: sizes and durations are
   * texts with their unit. `metrics.listen: null` takes the place of the keys below it.
   */
  readonly values: Readonly<Record<string, unknown>>
}

/** One thing wrong with a configuration. `line` and `column` count from 1; null: not a place in the file. */
export interface ConfigProblem {
  readonly file: string
  readonly line: number | null
  readonly column: number | null
  /** What is wrong, with what, and what to do; one line, fit for a terminal. */
  readonly text: string
}

/** `file:line:column: text`, as editors and compilers understand it. */
export function formatProblem(problem: ConfigProblem): string {
  const { file, line, column, text } = problem
  return line === null ? `${file}: ${text}` : `${file}:${line}:${column ?? 1}: ${text}`
}
