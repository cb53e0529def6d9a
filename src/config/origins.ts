// Where each value of a configuration came from.

import { defaults } from './defaults.ts'
import { environmentOf, type Environment } from './environment.ts'
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
  const known = defaults[key]
  return known === undefined ? undefined : { kind: 'default', reason: known.reason }
}

/** Of those keys that are set or have a default. */
export function originsOf(
  keys: readonly string[],
  source: Source,
): Readonly<Record<string, Origin>> {
  const origins: Record<string, Origin> = {}
  for (const key of keys) {
    const origin = originOf(key, source)
    if (origin !== undefined) origins[key] = origin
  }
  return origins
}
