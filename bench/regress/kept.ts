// The numbers that were accepted: regress.json.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Unit } from './counter.ts'

export interface Kept {
  /** A number a mail for each kind of work. */
  readonly numbers: Readonly<Record<string, number>>
  /** On what they were measured. */
  readonly machine: string
  readonly time: string
}

const file = path.join(import.meta.dirname, '..', 'regress.json')

export function readKept(unit: Unit): Kept | undefined {
  return readAll()[unit]
}

export function keep(unit: Unit, kept: Kept): void {
  writeFileSync(file, `${JSON.stringify({ ...readAll(), [unit]: kept }, null, 2)}\n`)
}

function readAll(): Partial<Record<Unit, Kept>> {
  if (!existsSync(file)) return {}
  return JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<Unit, Kept>>
}
