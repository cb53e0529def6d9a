// How every command finds and reads the configuration file.

import { resolve } from 'node:path'
import { formatProblem, type LoadedConfig } from '#config/loaded-config.ts'
import { CommandError, type CommandIo } from './command.ts'

export const defaultConfigFile = '/etc/pforte/pforte.yaml'

/** For `parseArguments`: `options: { ...configOption }`. */
export const configOption: { readonly config: { readonly type: 'string' } } = {
  config: { type: 'string' },
}

/** The lines about it for a command's usage text. */
export const configOptionUsage: string = `  --config FILE  configuration file; without it $PFORTE_CONFIG, else
                 ${defaultConfigFile}
`

/** `--config FILE`, else $PFORTE_CONFIG, else the default. Absolute. */
export function configFile(
  option: string | undefined,
  environment: CommandIo['environment'],
): string {
  const fromEnvironment = environment['PFORTE_CONFIG']
  if (option !== undefined && option !== '') return resolve(option)
  if (fromEnvironment !== undefined && fromEnvironment !== '') return resolve(fromEnvironment)
  return defaultConfigFile
}

/**
 * Reads and checks the configuration. `option` is the value of `--config`. Throws a CommandError with
 * exit code 2 that lists every problem, one `file:line:column: text` a line.
 */
export async function loadCommandConfig(
  option: string | undefined,
  io: CommandIo,
): Promise<LoadedConfig> {
  // Imported here: the schema library costs 100 ms that `--help` shall not pay.
  const { loadConfig } = await import('#config/load-config.ts')
  const file = configFile(option, io.environment)
  const loaded = loadConfig({ file, environment: io.environment })
  if (loaded.ok) return loaded.value
  const problems = loaded.problem.map((problem) => `\n${formatProblem(problem)}`).join('')
  throw new CommandError(`the configuration cannot be used${problems}`, 2)
}
