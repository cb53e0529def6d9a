// `domain add`, `set`, `remove`, `suspend`, `resume`: one domain each.

import {
  parseArguments,
  CommandError,
  UsageError,
  type Command,
  type CommandIo,
} from '#app/command.ts'
import { configOption, configOptionUsage } from '#app/command-config.ts'
import { fieldChanges } from '#registry/plan.ts'
import type { ServedDomain } from '#registry/registry.ts'
import { withMeasured } from '#registry/server-profile.ts'
import { toDomainDocument, withHistoryOf } from '#registry/served-domain.ts'
import { checkRoutes } from './check-routes.ts'
import {
  createFromOptions,
  domainOptions,
  domainOptionsUsage,
  hasOptions,
} from './domain-options.ts'
import { changeText } from './plan-text.ts'
import { domainJson, printJson, printWarnings, routeText } from './print.ts'
import { forgetExamined } from './forget-examined.ts'
import { domainArgument, findChangeable, findServed, withStore } from './store.ts'

const common = { ...configOption, json: { type: 'boolean' } } as const

export const addCommand: Command = {
  summary: 'serve a domain',
  usage: `Usage: pforte domain add NAME --to ENDPOINT [OPTIONS]

Mail for NAME is accepted from now on when its server takes the recipient.
A running relay knows within a second. Refused when the route leads back to
this relay; an endpoint that is not in the DNS yet is only a warning.

${domainOptionsUsage}${configOptionUsage}  --json             print the change as one JSON object
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...common, ...domainOptions },
      allowPositionals: true,
    })
    const domain = domainArgument(positionals)
    if (values.to === undefined) throw new UsageError('name at least one --to')
    return await withStore(values.config, io, async ({ config, registry, nowMs }) => {
      if (registry.find(domain) !== undefined) {
        throw new CommandError(
          `${domain} is served already; change it with pforte domain set ${domain}`,
        )
      }
      const served = await createFromOptions({ domain }, values, nowMs)
      const warnings = await checkRoutes([served], config, io)
      registry.put(served)
      const text = `added ${domain}: ${routeText(served)}\n`
      return report(io, values.json, { change: 'added', served, warnings, text })
    })
  },
}

export const setCommand: Command = {
  summary: 'change a served domain',
  usage: `Usage: pforte domain set NAME [OPTIONS]

Changes only what is named. --to replaces all endpoints, the patterns given
replace all patterns, and so do the names and pins given. 'none' takes an option back:
--callout none, --max-size none, --contact none, --subaddress-separator none,
--no-such-mailbox none, --tls-name none, --tls-ca none, --tls-pin none, and so
with every property of the server: then what was measured holds again. What was
measured is forgotten with --measured none, and when --to names another server.

${domainOptionsUsage}  --measured none    obey only what is set by hand, until pforte check --save
                     measures again
${configOptionUsage}  --json             print the change as one JSON object
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...common, ...domainOptions, measured: { type: 'string' } },
      allowPositionals: true,
    })
    const domain = domainArgument(positionals)
    const isForgetting = values.measured !== undefined
    if (isForgetting && values.measured !== 'none')
      throw new UsageError('--measured: only none; pforte check --save measures')
    if (!hasOptions(values) && !isForgetting) throw new UsageError('name what shall change')
    return await withStore(values.config, io, async ({ config, registry, nowMs }) => {
      const current = findChangeable(registry, domain)
      const created = await createFromOptions(toDomainDocument(current), values, nowMs)
      const kept = withHistoryOf(created, current)
      const served = isForgetting ? withMeasured(kept, null) : kept
      const changes = fieldChanges(current, served)
      const isForgotten = current.measured !== null && served.measured === null
      if (changes.length === 0 && !isForgotten) {
        const text = `${domain} is like that already\n`
        return report(io, values.json, { change: 'none', served: current, warnings: [], text })
      }
      const hasNewRoute = values.to !== undefined || values.callout !== undefined
      const warnings = hasNewRoute ? await checkRoutes([served], config, io) : []
      registry.put(served)
      const told = [changeText(changes), isForgotten ? forgottenText : '']
      const text = `changed ${domain}: ${told.filter((each) => each !== '').join('; ')}\n`
      return report(io, values.json, { change: 'changed', served, warnings, text })
    })
  },
}

const forgottenText = 'what was measured is obeyed no longer (pforte check --save measures again)'

export const removeCommand: Command = {
  summary: 'serve a domain no longer: its mail is refused with 550',
  usage: `Usage: pforte domain remove NAME

Senders get 550 5.7.1 from now on. To keep mail at its senders for a while
instead, use pforte domain suspend. What was measured of its server is forgotten.

${configOptionUsage}  --json             print the change as one JSON object
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: common,
      allowPositionals: true,
    })
    const domain = domainArgument(positionals)
    return await withStore(values.config, io, async ({ config, registry }) => {
      const served = findServed(registry, domain)
      registry.remove(domain)
      await forgetExamined(config.state, domain)
      return report(io, values.json, {
        change: 'removed',
        served,
        warnings: [],
        text: `removed ${domain}\n`,
      })
    })
  },
}

export const suspendCommand: Command = {
  summary: 'defer mail for a domain with 451 until it is resumed',
  usage: `Usage: pforte domain suspend NAME [--reason TEXT]

Senders get 451 and try again, usually for some days. Suspending a suspended
domain changes its reason.

${configOptionUsage}  --reason TEXT      for the people who see the domain's state
  --json             print the change as one JSON object
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...common, reason: { type: 'string' } },
      allowPositionals: true,
    })
    const domain = domainArgument(positionals)
    return await withStore(values.config, io, async ({ registry, nowMs }) => {
      const current = findChangeable(registry, domain)
      const suspended = values.reason ?? ''
      const document = {
        ...toDomainDocument(current),
        suspended: suspended === '' ? true : suspended,
      }
      const created = await createFromOptions(document, {}, nowMs)
      const served = withHistoryOf(created, current)
      registry.put(served)
      return report(io, values.json, {
        change: 'suspended',
        served,
        warnings: [],
        text: `suspended ${domain}\n`,
      })
    })
  },
}

export const resumeCommand: Command = {
  summary: 'take mail for a suspended domain again',
  usage: `Usage: pforte domain resume NAME

${configOptionUsage}  --json             print the change as one JSON object
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: common,
      allowPositionals: true,
    })
    const domain = domainArgument(positionals)
    return await withStore(values.config, io, ({ registry, nowMs }) => {
      const current = findChangeable(registry, domain)
      if (current.suspension === null) {
        const text = `${domain} is not suspended\n`
        return report(io, values.json, { change: 'none', served: current, warnings: [], text })
      }
      const served = { ...current, suspension: null, changedAtMs: nowMs }
      registry.put(served)
      return report(io, values.json, {
        change: 'resumed',
        served,
        warnings: [],
        text: `resumed ${domain}\n`,
      })
    })
  },
}

interface Change {
  readonly change: 'added' | 'changed' | 'removed' | 'suspended' | 'resumed' | 'none'
  readonly served: ServedDomain
  readonly warnings: readonly string[]
  readonly text: string
}

/** `--json`: { change, domain, warnings }. */
function report(io: CommandIo, isJson: boolean | undefined, change: Change): number {
  const { change: what, served, warnings, text } = change
  if (isJson === true) {
    printJson(io, { change: what, domain: domainJson(served), warnings })
    return 0
  }
  io.stdout(text)
  printWarnings(io, warnings)
  return 0
}
