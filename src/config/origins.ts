// Where each value of a configuration came from.

import { defaults } from './defaults.ts'
import { environmentOf, type Environment } from './environment.ts'
import { knownKeys } from './known-keys.ts'
import type { Origin } from './loaded-config.ts'
import type { YamlFile } from './yaml-file.ts'

export type Path = readonly (string | number)[]

/** What problems and origins are derived from. */
export interface Source {
  readonly file: string
  readonly yaml: YamlFile
  readonly environment: Environment
}

/** `listen.0.port` as the parts of a path. */
export function toPath(key: string): Path {
  return key.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}

/** Undefined: neither set nor a key with a default. */
export function originOf(key: string, source: Source): Origin | undefined {
  const variable = environmentOf(key, source.environment)
  if (variable !== undefined) return { kind: 'environment', name: variable.name }
  const path = toPath(key)
  const place = source.yaml.placeOfKey(path)
  if (place !== undefined) return { kind: 'file', file: source.file, line: place.line }
  const parent = key.split('.').slice(0, -1).join('.')
  // `metrics.listen: null` sets what is below it, and an entry of a list belongs to the list.
  if (parent.includes('.') || typeof path.at(-1) === 'number') {
    const above = originOf(parent, source)
    if (above?.kind === 'file') return above
  }
  const known = defaults[key]
  return known === undefined ? undefined : { kind: 'default', reason: known.reason }
}

/** Of every key that is set or has a default. */
export function originsOf(source: Source): Readonly<Record<string, Origin>> {
  const origins = knownKeys().map((key) => [key, originOf(key, source)] as const)
  return Object.fromEntries(origins.filter((entry) => entry[1] !== undefined)) as Record<
    string,
    Origin
  >
}
