// What the schema objects to, told to the author of the file: where, what, and what to do.

import { cleanLine, nearestWord } from '#base/text.ts'
import { keysBelow, knownKeys } from './known-keys.ts'
import type { ConfigProblem } from './loaded-config.ts'
import { maxProblemCount } from './yaml-file.ts'
import { originOf, toPath, type Path, type Source } from './origins.ts'
import type { SchemaProblem } from './schema.ts'

export function explainProblem(problem: SchemaProblem, source: Source): readonly ConfigProblem[] {
  if (problem.keys.length > 0) {
    const keys = problem.keys.slice(0, maxProblemCount)
    return keys.map((key) => unknownKey([...problem.path, key], source))
  }
  const key = problem.path.join('.')
  const text = key === '' ? problem.text : `${key}: ${problem.text}`
  return [problemAt(source, [key], text)]
}

function unknownKey(path: Path, source: Source): ConfigProblem {
  const written = path.map((part) => cleanLine(String(part), 60)).join('.')
  const text = `unknown key ${written}; ${suggestion(path)}`
  const place = source.yaml.placeOfKey(path) ?? source.yaml.placeOfValue(path)
  return { file: source.file, ...place, text }
}

function suggestion(path: Path): string {
  const siblings = keysBelow(path.slice(0, -1))
  // Bounded: the distance takes time in proportion to both lengths.
  const word = String(path.at(-1)).slice(0, 60)
  const nearest = nearestWord(word, siblings)
  if (nearest !== undefined) return `did you mean ${nearest}?`
  const elsewhere = knownKeys().find((key) => key === word || key.endsWith(`.${word}`))
  return elsewhere === undefined
    ? `known here: ${siblings.join(', ')}`
    : `did you mean ${inSection(elsewhere)}?`
}

function inSection(key: string): string {
  const dot = key.lastIndexOf('.')
  return dot === -1 ? `${key} at the top` : `${key.slice(dot + 1)} in ${key.slice(0, dot)}`
}

/** A problem at the first of these keys that was set at all, else at the file. */
export function problemAt(source: Source, keys: readonly string[], text: string): ConfigProblem {
  for (const key of keys) {
    const origin = originOf(key, source)
    if (origin?.kind === 'environment') {
      return { file: `environment ${origin.name}`, line: null, column: null, text }
    }
    if (origin?.kind === 'file') {
      return { file: source.file, ...source.yaml.placeOfValue(toPath(key)), text }
    }
  }
  const place = source.yaml.placeOfValue(toPath(keys[0] ?? ''))
  return { file: source.file, ...place, text }
}

/** By line, and no more than is worth reading. */
export function inFileOrder(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const sorted = problems.toSorted(
    (one, other) => (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0),
  )
  return sorted.slice(0, maxProblemCount)
}
