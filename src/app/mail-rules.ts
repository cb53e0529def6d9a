// The mail rules as intake needs them: the configuration, the list of exceptions, the DNS with a deadline,
// and the greylist, which is opened when it is first needed.

import { readFileSync, statSync } from 'node:fs'
import { systemClock } from '#base/clock.ts'
import { formatSize } from '#base/units.ts'
import type { Config, PolicyConfig } from '#config/config.ts'
import { findClientName } from '#dns/client-name.ts'
import type { Resolver } from '#dns/dns.ts'
import { findMailDomain } from '#dns/mail-domain.ts'
import type { Greylist, GreylistEvent } from '#greylist/greylist.ts'
import { openGreylist } from '#greylist/open-greylist.ts'
import type { MailRules } from '#intake/intake.ts'
import { noExceptions, parseExceptions, type Exceptions, type OriginRules } from '#policy/policy.ts'
import type { AppEvent } from './app-event.ts'
import { CommandError } from './command.ts'

export interface MailRulesSource {
  /**
   * Those of this configuration, with the exceptions as read last; null: all are off. `peek`: the greylist
   * answers and notes nothing.
   */
  readonly current: (config: Config, how?: 'judge' | 'peek') => MailRules | null
  /** Reads the exceptions again. A list that cannot be read changes nothing, and is told of. */
  readonly reload: (config: Config) => void
  readonly close: () => void
}

const maxExceptionsBytes = 4 * 1024 * 1024

/** Throws a CommandError that says what is wrong with the list of exceptions. */
export function openMailRules(
  config: Config,
  parts: {
    readonly resolver: Resolver
    readonly emit: (event: AppEvent | GreylistEvent) => void
  },
): MailRulesSource {
  let exceptions = readExceptions(config.policy)
  let opened: Greylist | null = null
  let rules = config.policy.greylisting
  const greylist = ({ policy, state }: Config): Greylist | null => {
    rules = policy.greylisting
    if (rules.mode === 'off') return null
    opened ??= openGreylist({
      folder: state,
      clock: systemClock,
      rules: () => rules,
      emit: parts.emit,
    })
    return opened
  }
  return {
    current: (now, how = 'judge') => {
      if (isAllOff(now.policy)) return null
      const known = greylist(now)
      return mailRulesOf(now.policy, exceptions, known?.[how].bind(known) ?? null, parts.resolver)
    },
    reload: (now) => {
      if (now.policy.exceptions === null) {
        exceptions = noExceptions
        return
      }
      try {
        exceptions = readExceptions(now.policy)
        parts.emit({ kind: 'exceptions-reloaded', entryCount: exceptions.entryCount })
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error)
        parts.emit({ kind: 'exceptions-failed', detail })
      }
    },
    close: () => opened?.close(),
  }
}

function originRulesOf(policy: PolicyConfig): OriginRules {
  return {
    modes: policy.modes,
    dynamicNames: { patterns: policy.dynamicNames, isGuessed: policy.isDynamicNameGuessed },
    onDnsFailure: policy.onDnsFailure,
  }
}

function isAllOff({ modes, greylisting }: PolicyConfig): boolean {
  return greylisting.mode === 'off' && Object.values(modes).every((mode) => mode === 'off')
}

function mailRulesOf(
  policy: PolicyConfig,
  exceptions: Exceptions,
  greylist: Greylist['judge'] | null,
  resolver: Resolver,
): MailRules {
  const { greylisting, dnsTimeoutMs } = policy
  return {
    origin: originRulesOf(policy),
    exceptions,
    greylisting:
      greylist === null
        ? null
        : {
            isObserved: greylisting.mode === 'observe',
            judge: (attempt) => greylist(attempt, greylisting),
          },
    findClientName: async (address) =>
      await findClientName(resolver, address, AbortSignal.timeout(dnsTimeoutMs)),
    findMailDomain: async (domain) =>
      await findMailDomain(resolver, domain, AbortSignal.timeout(dnsTimeoutMs)),
  }
}

function readExceptions({ exceptions: file }: PolicyConfig): Exceptions {
  if (file === null) return noExceptions
  const cannot = (why: string): CommandError =>
    new CommandError(`cannot use policy.exceptions ${file}: ${why}`, 2)
  let text: string
  try {
    if (statSync(file).size > maxExceptionsBytes) {
      throw cannot(`it is larger than ${formatSize(maxExceptionsBytes)}`)
    }
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw error instanceof CommandError ? error : cannot(String(error))
  }
  const parsed = parseExceptions(text)
  if (!parsed.ok) throw cannot(parsed.problem)
  return parsed.value
}
