// The version of this program, from its package.json.

import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** `0.1.0`, or `unknown` when the package is not whole. */
export function packageVersion(): string {
  const file = findPackageJSON(import.meta.url)
  const text: unknown = file === undefined ? null : JSON.parse(readFileSync(file, 'utf8'))
  const isPackage = typeof text === 'object' && text !== null && 'version' in text
  return isPackage ? String(text.version) : 'unknown'
}
