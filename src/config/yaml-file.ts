// Reads a YAML file into plain values, and remembers where each of them stands. Bounded in size and
// without anchors, so that reading takes time in proportion to the file.

import { readFileSync, statSync } from 'node:fs'
import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type YAMLMap,
} from 'yaml'
import { failure, success, type Result } from '#base/result.ts'
import { cleanLine } from '#base/text.ts'
import type { ConfigProblem } from './loaded-config.ts'

/** Hundreds of times the largest sensible configuration. */
const maxFileBytes = 1024 ** 2

/** Deeper than any key there is; deeper nesting would only exhaust the stack. */
const maxDepth = 32

/** So many problems are worth reading; a file with 100,000 of them is answered as quickly. */
export const maxProblemCount = 20

export interface Place {
  readonly line: number
  readonly column: number
}

export interface YamlFile {
  /** Mappings, lists, texts, numbers, booleans, null. An empty file is an empty mapping. */
  readonly input: unknown
  /** Where the value at that path stands; of the nearest mapping around it when there is none. */
  readonly placeOfValue: (path: readonly (string | number)[]) => Place
  /** Where the key itself stands; undefined when it is not in the file. */
  readonly placeOfKey: (path: readonly (string | number)[]) => Place | undefined
}

/** `file`: absolute path. */
export function readYamlFile(file: string): Result<YamlFile, readonly ConfigProblem[]> {
  const text = readText(file)
  return text.ok ? parseYaml(text.value, file) : failure([atFile(file, text.problem)])
}

function readText(file: string): Result<string> {
  try {
    const { size } = statSync(file)
    if (size > maxFileBytes) return failure(tooLarge(size))
    const bytes = readFileSync(file)
    // A pipe or a growing file shows its size only now.
    if (bytes.length > maxFileBytes) return failure(tooLarge(bytes.length))
    return success(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    return failure(explainReadError(error))
  }
}

function tooLarge(bytes: number): string {
  return `is too large: ${bytes} bytes, at most ${maxFileBytes} are read`
}

function explainReadError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
      return 'does not exist; name the file with --config FILE or $PFORTE_CONFIG'
    case 'EISDIR':
      return 'is a folder; name the file in it'
    case 'EACCES':
      return 'may not be read by this user; check the permissions of the file and its folders'
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'is not UTF-8 text; save it as UTF-8'
    default:
      return `cannot be read: ${cleanLine(String(error), 200)}`
  }
}

function atFile(file: string, text: string): ConfigProblem {
  return { file, line: null, column: null, text }
}

/** The same for text that was already read. */
export function parseYaml(text: string, file: string): Result<YamlFile, readonly ConfigProblem[]> {
  const lines = new LineCounter()
  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      // The library compares every key with every other; ours below takes one pass.
      uniqueKeys: false,
    })
  } catch (error) {
    // The parser recurses: a file that is nothing but brackets exhausts its stack.
    return failure([atFile(file, `cannot be parsed: ${cleanLine(String(error), 200)}`)])
  }
  const placeAt = (offset: number): Place => toPlace(lines, offset)
  const faults = [...syntaxFaults(document), ...structureFaults(document, placeAt)]
  if (faults.length > 0) return failure(toProblems(faults, file, placeAt))
  return success({
    input: document.contents === null ? {} : document.toJS(),
    placeOfValue: (path) => placeAt(offsetOf(nearestNode(document, path))),
    placeOfKey: (path) => {
      const key = keyNode(document, path)
      return key === undefined ? undefined : placeAt(offsetOf(key))
    },
  })
}

interface Fault {
  readonly offset: number
  readonly text: string
}

function toProblems(
  faults: readonly Fault[],
  file: string,
  placeAt: (offset: number) => Place,
): readonly ConfigProblem[] {
  const byPlace = faults.toSorted((one, other) => one.offset - other.offset)
  // One unclosed bracket is reported by every level around it.
  const problems = new Map(byPlace.map((fault) => [`${fault.offset} ${fault.text}`, fault]))
  return [...problems.values()]
    .slice(0, maxProblemCount)
    .map(({ offset, text }) => ({ file, ...placeAt(offset), text }))
}

function syntaxFaults(document: Document.Parsed): readonly Fault[] {
  return [...document.errors, ...document.warnings].map((error) => ({
    offset: error.pos[0],
    text:
      error.code === 'MULTIPLE_DOCS'
        ? 'the file holds a second YAML document; one file is one configuration'
        : cleanLine(error.message, 200),
  }))
}

/** What YAML allows and a configuration does not need: anchors, odd keys, keys twice, depth. */
function structureFaults(
  document: Document.Parsed,
  placeAt: (offset: number) => Place,
): readonly Fault[] {
  const faults: Fault[] = []
  visit(document, (_key, node, ancestors) => {
    if (faults.length >= maxProblemCount) return visit.BREAK
    if (isMap(node)) faults.push(...keyFaults(node, placeAt))
    const offset = isNode(node) ? offsetOf(node) : 0
    if (isAlias(node)) {
      faults.push({ offset, text: 'aliases are not supported; write the value out' })
    }
    if (ancestors.length > 2 * maxDepth) {
      faults.push({ offset, text: `nested deeper than ${maxDepth} levels` })
      return visit.BREAK
    }
    return undefined
  })
  return faults
}

function keyFaults(map: YAMLMap, placeAt: (offset: number) => Place): readonly Fault[] {
  const faults: Fault[] = []
  const seen = new Map<string, number>()
  for (const { key } of map.items) {
    const offset = isNode(key) ? offsetOf(key) : 0
    if (!isScalar(key) || typeof key.value !== 'string') {
      faults.push({ offset, text: 'a key must be a plain word' })
      continue
    }
    const first = seen.get(key.value)
    if (first === undefined) seen.set(key.value, offset)
    else {
      const text = `"${cleanLine(key.value, 60)}" is set twice, first on line ${placeAt(first).line}`
      faults.push({ offset, text })
    }
  }
  return faults
}

function toPlace(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset)
  // The counter knows no line in an empty file.
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

function offsetOf(node: Node | null | undefined): number {
  return node?.range?.[0] ?? 0
}

function nearestNode(document: Document.Parsed, path: readonly (string | number)[]): Node | null {
  let node: Node | null = document.contents
  for (const part of path) {
    const next: unknown = isCollection(node) ? node.get(part, true) : undefined
    if (!isNode(next)) break
    node = next
  }
  return node
}

function keyNode(document: Document.Parsed, path: readonly (string | number)[]): Node | undefined {
  const map = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (!isMap(map)) return undefined
  const pair = map.items.find(
    (item) => isPair(item) && isScalar(item.key) && item.key.value === path.at(-1),
  )
  return isNode(pair?.key) ? pair.key : undefined
}
