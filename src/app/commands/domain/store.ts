// What every domain command does first and last: read the configuration, open the store, close it; and
// how the store's errors are told to people.

import { systemClock } from '#base/clock.ts'
import { cleanLine, nearestWord } from '#base/text.ts'
import type { Config } from '#config/config.ts'
import { RegistryOpenError, RegistryWriteError } from '#registry/errors.ts'
import type { Registry, RegistryEvent, ServedDomain } from '#registry/registry.ts'
import { isStandIn } from '#registry/unreadable.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import { CommandError, UsageError, type CommandIo } from '#app/command.ts'
import { loadCommandConfig } from '#app/command-config.ts'

export interface Store {
  readonly config: Config
  readonly registry: Registry
  readonly nowMs: number
}

/** Opens the store for one command. `configFile`: the value of `--config`. */
export async function withStore<Value>(
  configFile: string | undefined,
  io: CommandIo,
  work: (store: Store) => Value | Promise<Value>,
): Promise<Value> {
  const { config } = await loadCommandConfig(configFile, io)
  // Imported here: the schema library costs 100 ms that `--help` shall not pay.
  const { openRegistry } = await import('#registry/open-registry.ts')
  let registry: Registry | undefined
  try {
    registry = openRegistry({ folder: config.state, clock: systemClock, emit: warnOf(io) })
    return await work({ config, registry, nowMs: systemClock.now() })
  } catch (error) {
    throw explain(error)
  } finally {
    registry?.close()
  }
}

/** The one argument that names a domain, in canonical form. */
export function domainArgument(positionals: readonly string[]): string {
  const [name, ...more] = positionals
  if (name === undefined) throw new UsageError('name the domain')
  if (more.length > 0)
    throw new UsageError(`one domain at a time; '${cleanLine(more[0] ?? '', 80)}' is too much`)
  const domain = parseDomain(name)
  if (!domain.ok) throw new UsageError(`'${cleanLine(name, 80)}' is no domain: ${domain.problem}`)
  return domain.value
}

/** For commands that take no argument at all. */
export function noArguments(positionals: readonly string[]): void {
  const [first] = positionals
  if (first !== undefined) throw new UsageError(`'${cleanLine(first, 80)}' is too much`)
}

/** The served domain of that name, or an error that names the nearest one. */
export function findServed(registry: Registry, domain: string): ServedDomain {
  const served = registry.find(domain)
  if (served !== undefined) return served
  const nearest = nearestWord(
    domain,
    registry.list().map((each) => each.domain),
  )
  const hint = nearest === undefined ? 'see pforte domain list' : `did you mean ${nearest}?`
  throw new CommandError(`${domain} is not served; ${hint}`)
}

/** As `findServed`, and its entry could be read: a change keeps what is not named. */
export function findChangeable(registry: Registry, domain: string): ServedDomain {
  const served = findServed(registry, domain)
  if (!isStandIn(served)) return served
  throw new CommandError(
    `the entry of ${domain} is damaged and cannot be changed: run pforte domain remove ${domain}, then add it again`,
  )
}

function warnOf(io: CommandIo): (event: RegistryEvent) => void {
  return (event) => {
    if (event.kind !== 'registry-unreadable') return
    io.stderr(`warning: a damaged entry in the registry: ${event.error}\n`)
  }
}

function explain(error: unknown): unknown {
  if (error instanceof RegistryOpenError)
    return new CommandError(error.message, 1, { cause: error })
  if (!(error instanceof RegistryWriteError) || error.code === 'invalid') return error
  return new CommandError(`${error.message}${advice[error.code] ?? ''}`, 1, { cause: error })
}

const advice: Readonly<Record<string, string>> = {
  busy: '; another command is writing, try again',
  'disk-full': '; make room in the state folder and try again',
  'read-only': '; run the command as the user of the relay, or as root',
}
