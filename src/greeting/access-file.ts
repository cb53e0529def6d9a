// A file of networks, one a line: `192.0.2.0/24 deny  # why`. Bounded; a fault in it is told with its line.

import { readFileSync, statSync } from 'node:fs'
import { parseNetwork } from '#base/network.ts'
import { failure, success, type Result } from '#base/result.ts'
import { cleanLine } from '#base/text.ts'
import type { ListEntry } from './places.ts'

/** A hundred thousand entries: far beyond what people write, not beyond what a program exports. */
const maxFileBytes = 8 * 1024 ** 2

/** The problem names the line. */
export function readAccessFile(file: string): Result<readonly ListEntry[]> {
  try {
    const { size } = statSync(file)
    if (size > maxFileBytes) return failure(`${size} bytes, at most ${maxFileBytes} are read`)
    return parseAccessFile(readFileSync(file, 'utf8'))
  } catch (error) {
    return failure(error instanceof Error ? error.message : String(error))
  }
}

export function parseAccessFile(text: string): Result<readonly ListEntry[]> {
  const entries: ListEntry[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/)
    if (words[0] === '') continue
    const entry = parseEntry(words)
    if (!entry.ok) return failure(`line ${index + 1}: ${entry.problem}`)
    entries.push(entry.value)
  }
  return success(entries)
}

function parseEntry([network = '', standing, ...more]: readonly string[]): Result<ListEntry> {
  const parsed = parseNetwork(network)
  if (!parsed.ok) return failure(`'${cleanLine(network, 60)}': ${parsed.problem}`)
  if ((standing !== 'allow' && standing !== 'deny') || more.length > 0) {
    return failure('behind the network stands allow or deny, and nothing else but a # comment')
  }
  return success({ network: parsed.value, standing })
}
