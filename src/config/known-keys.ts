// Every key a configuration file may have, read off the schema, so that no list can be forgotten.

import { configJsonSchema, type JsonSchema } from './schema.ts'

let schema: JsonSchema | undefined
let keys: readonly string[] | undefined

/** Made once, when first needed. */
function root(): JsonSchema {
  schema ??= configJsonSchema()
  return schema
}

/** In the order of the schema, as written: `hostname`, `listen`, `limits.maxMessage`. Lists are one key. */
export function knownKeys(): readonly string[] {
  keys ??= Object.keys(keySchemas())
  return keys
}

/** Each of them with its own schema. */
export function keySchemas(): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries(leaves(root(), ''))
}

/** The keys allowed in the mapping at that path; empty when there is no such mapping. */
export function keysBelow(path: readonly (string | number)[]): readonly string[] {
  let here: JsonSchema | undefined = root()
  for (const part of path) {
    here = below(here, part)
  }
  return Object.keys((here === undefined ? undefined : mappingOf(here))?.properties ?? {})
}

function below(from: JsonSchema | undefined, part: string | number): JsonSchema | undefined {
  if (from === undefined || typeof part === 'number') return from?.items
  return mappingOf(from)?.properties?.[part]
}

function leaves(from: JsonSchema, prefix: string): readonly (readonly [string, JsonSchema])[] {
  return Object.entries(from.properties ?? {}).flatMap(([name, part]) => {
    const mapping = mappingOf(part)
    return mapping === undefined
      ? [[`${prefix}${name}`, part] as const]
      : leaves(mapping, `${prefix}${name}.`)
  })
}

/** The schema itself or, of "a mapping or null", the mapping. */
function mappingOf(from: JsonSchema): JsonSchema | undefined {
  if (from.properties !== undefined) return from
  return from.anyOf?.find((one) => one.properties !== undefined)
}
