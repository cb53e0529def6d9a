// The configuration file and the environment become one checked, complete, frozen Config.

import { dirname, resolve } from 'node:path'
import { failure, success, type Result } from '#base/result.ts'
import type { Config } from './config.ts'
import { findContradictions } from './cross-checks.ts'
import { defaults } from './defaults.ts'
import { environmentKeys, environmentOf, type Environment } from './environment.ts'
import { knownKeys } from './known-keys.ts'
import type { ConfigProblem, LoadedConfig } from './loaded-config.ts'
import { originsOf, type Source } from './origins.ts'
import { explainProblem, inFileOrder, problemAt } from './problems.ts'
import { parseConfig } from './schema.ts'
import { readYamlFile } from './yaml-file.ts'

type Input = Readonly<Record<string, unknown>>

/**
 * Reads at most 1 MiB. Relative paths in the file and in the environment are taken from the folder of
 * the file. Never throws: whatever is wrong is a list of problems, in the order of the file.
 */
export function loadConfig(options: {
  /** Absolute, or relative to the working directory. */
  readonly file: string
  readonly environment: Environment
}): Result<LoadedConfig, readonly ConfigProblem[]> {
  const file = resolve(options.file)
  const yaml = readYamlFile(file)
  if (!yaml.ok) return yaml
  const source: Source = { file, yaml: yaml.value, environment: options.environment }
  const input = mergeEnvironment(withoutEmptySections(yaml.value.input), options.environment)
  const parsed = parseConfig(input)
  if (!parsed.ok)
    return failure(inFileOrder(parsed.problem.flatMap((one) => explainProblem(one, source))))
  const config = absolutePaths(parsed.value, dirname(file))
  const contradictions = findContradictions(config)
  if (contradictions.length > 0) {
    const problems = contradictions.map(({ keys, text }) => problemAt(source, keys, text))
    return failure(inFileOrder(problems))
  }
  const keys = effectiveKeys(config)
  const origins = originsOf(keys, source)
  return success(deepFreeze({ config, file, origins, values: valuesOf(keys, input, config) }))
}

/** A section whose keys are all commented out is null in YAML, and means "nothing set". */
function withoutEmptySections(input: unknown): unknown {
  if (!isMapping(input)) return input
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null))
}

function mergeEnvironment(input: unknown, environment: Environment): unknown {
  if (!isMapping(input)) return input
  let merged = input
  for (const key of Object.keys(environmentKeys)) {
    const variable = environmentOf(key, environment)
    if (variable !== undefined) merged = withValue(merged, key.split('.'), variable.value)
  }
  return merged
}

/** A copy with one value replaced; a value where a mapping should be is left for the schema to find. */
function withValue(input: Input, path: readonly string[], value: unknown): Input {
  const [first, ...rest] = path
  if (first === undefined) return input
  if (rest.length === 0) return { ...input, [first]: value }
  const below = input[first] ?? {}
  return isMapping(below) ? { ...input, [first]: withValue(below, rest, value) } : input
}

function isMapping(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function absolutePaths(config: Config, folder: string): Config {
  const { state, spool, tls, log, policy, greeting } = config
  const { access } = greeting
  return {
    ...config,
    state: resolve(folder, state),
    spool: { ...spool, folder: resolve(folder, spool.folder) },
    policy: {
      ...policy,
      exceptions: policy.exceptions === null ? null : resolve(folder, policy.exceptions),
    },
    tls: {
      certificates: tls.certificates.map((pair) => ({
        certificate: resolve(folder, pair.certificate),
        key: resolve(folder, pair.key),
      })),
      ca: tls.ca === null ? null : resolve(folder, tls.ca),
      clients: tls.clients,
    },
    greeting: {
      ...greeting,
      access: { ...access, file: access.file === null ? null : resolve(folder, access.file) },
    },
    log: { ...log, file: log.file === null ? null : resolve(folder, log.file) },
  }
}

/** What is switched off as a whole has no keys below it. */
function effectiveKeys({ metrics }: Config): readonly string[] {
  if (metrics.listen !== null) return knownKeys()
  return [...knownKeys().filter((key) => !key.startsWith('metrics.listen.')), 'metrics.listen']
}

/** What the keys amount to, as one could write it in a file: texts with units, paths absolute. */
function valuesOf(
  keys: readonly string[],
  input: unknown,
  config: Config,
): Readonly<Record<string, unknown>> {
  const changed: Readonly<Record<string, unknown>> = {
    hostname: config.hostname,
    state: config.state,
    'spool.folder': config.spool.folder,
    'policy.exceptions': config.policy.exceptions,
    'tls.certificates': config.tls.certificates,
    'tls.ca': config.tls.ca,
    'greeting.access.file': config.greeting.access.file,
    'log.file': config.log.file,
    'verification.probeSender': config.verification.probeSender,
  }
  return Object.fromEntries(keys.map((key) => [key, changed[key] ?? valueAt(input, key)]))
}

function valueAt(input: unknown, key: string): unknown {
  let value: unknown = input
  for (const part of key.split('.')) value = isMapping(value) ? value[part] : undefined
  return value ?? defaults[key]?.value ?? null
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) deepFreeze(member)
  }
  return value
}
