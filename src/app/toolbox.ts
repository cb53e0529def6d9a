// What both the relay and the commands need to ask an institute's server: registry, resolver, next hops,
// recipients, opened together and closed in the right order.

import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import tls from 'node:tls'
import { systemClock } from '#base/clock.ts'
import { Deadlines } from '#base/deadlines.ts'
import type { Config } from '#config/config.ts'
import type { Resolver } from '#dns/dns.ts'
import { openResolver } from '#dns/open-resolver.ts'
import { openNextHops } from '#nexthop/open-next-hops.ts'
import type { ConnectionShare, NextHopEvent, NextHops } from '#nexthop/nexthop.ts'
import { openRecipients } from '#recipients/open-recipients.ts'
import type { RecipientEvent, RecipientFault, Recipients } from '#recipients/recipients.ts'
import { openRegistry } from '#registry/open-registry.ts'
import type { Registry, RegistryEvent } from '#registry/registry.ts'
import { routeLimits } from '#registry/server-profile.ts'
import { CommandError } from './command.ts'
import { nextHopOptions, recipientOptions } from './build.ts'

export type ToolboxEvent = NextHopEvent | RecipientEvent | RecipientFault | RegistryEvent

export interface Toolbox extends AsyncDisposable {
  readonly registry: Registry
  readonly resolver: Resolver
  readonly nextHops: NextHops
  readonly recipients: Recipients
  readonly deadlines: Deadlines
}

/** A deadline is noticed this late at most: fine enough for budgets of seconds. */
const deadlineIntervalMs = 250
/** Idle connections say QUIT and are gone at once; busy ones do not hold a command up. */
const closeGraceMs = 500

/** Of one of several processes of a relay. */
export interface ToolboxShare {
  /** False while another process asks whether targets are back, and tells. */
  readonly isRecoveryAsker: () => boolean
  /** Its part of the connections that a server takes. */
  readonly share: ConnectionShare
}

/** Without `share` everything is this process's. Rejects with a CommandError that says what cannot be opened. */
export async function openToolbox(
  config: Config,
  emit: (event: ToolboxEvent) => void = () => undefined,
  share: Partial<ToolboxShare> = {},
): Promise<Toolbox> {
  await mkdir(config.state, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new CommandError(`cannot create the state folder ${config.state}: ${String(error)}`)
  })
  const deadlines = new Deadlines({
    monotonicMs: systemClock.monotonicMs,
    intervalMs: deadlineIntervalMs,
  })
  const registry = openRegistry({
    folder: config.state,
    clock: systemClock,
    emit: (event) => {
      if (event.kind === 'registry-changed') nextHops.obey(routeLimits(registry.list()))
      emit(event)
    },
  })
  const resolver = openResolver({ ...config.dns, clock: systemClock, cacheEntryCount: 10_000 })
  const ca = trustedCertificates(config.tls.ca)
  const nextHops = openNextHops({
    ...nextHopOptions(config, { resolver, deadlines, ca, emit }),
    ...share,
  })
  nextHops.obey(routeLimits(registry.list()))
  const recipients = openRecipients(recipientOptions(config, nextHops, emit))
  return {
    registry,
    resolver,
    nextHops,
    recipients,
    deadlines,
    [Symbol.asyncDispose]: async () => {
      await recipients.close()
      await nextHops.close(closeGraceMs)
      resolver.close()
      registry.close()
    },
  }
}

/** Null: the system's own. A file of ours is trusted besides them. */
export function trustedCertificates(
  file: string | null,
  key: string = 'tls.ca',
): readonly string[] | null {
  if (file === null) return null
  try {
    return [...tls.getCACertificates('default'), readFileSync(file, 'utf8')]
  } catch (error) {
    throw new CommandError(`cannot read ${key}: ${String(error)}`)
  }
}
