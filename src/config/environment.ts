// The environment's part of the configuration.

/** Keys a container may set without a file of its own. An empty variable counts as not set. */
export const environmentKeys: Readonly<Record<string, string>> = {
  hostname: 'PFORTE_HOSTNAME',
  state: 'PFORTE_STATE',
  'log.format': 'PFORTE_LOG_FORMAT',
}

export type Environment = Readonly<Record<string, string | undefined>>

/** The variable that sets this key, if it is set. */
export function environmentOf(
  key: string,
  environment: Environment,
): { readonly name: string; readonly value: string } | undefined {
  const name = environmentKeys[key]
  const value = name === undefined ? undefined : environment[name]
  return name === undefined || value === undefined || value === '' ? undefined : { name, value }
}
