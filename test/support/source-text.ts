// The sources as text, for checks of the architecture.

import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

export interface Source {
  /** From the root of the project, with `/`. */
  readonly path: string
  readonly text: string
}

export const root: string = path.join(import.meta.dirname, '..', '..')

export function readSource(file: string): Source {
  return { path: file, text: readFileSync(path.join(root, file), 'utf8') }
}

/** Everything below src and bin, tests included. */
export function readSources(): readonly Source[] {
  return globSync(['src/**/*.ts', 'bin/*.ts'], { cwd: root })
    .map((file) => file.replaceAll(path.sep, '/'))
    .toSorted()
    .map(readSource)
}

export const isTest = (file: string): boolean => /\.(?:test|types)\.ts$/.test(file)

/** Strings, regular expressions, templates and comments. */
export const lexeme: RegExp =
  /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|(?<=(?:^|[=(,:[!&|?{};\n])\s*)\/(?![*/])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/|`(?:[^`\\]|\\.)*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g

/** Comments become blanks; what looks like one inside a string or a regular expression stays. */
export function withoutComments(text: string): string {
  return text.replace(lexeme, (found) => (/^\/[/*]/.test(found) ? ' ' : found))
}
