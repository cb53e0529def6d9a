// `domain apply`: makes the store say what a file says, in one transaction.

import { CommandError, parseArguments, UsageError, type Command } from '#app/command.ts'
import { configOption, configOptionUsage } from '#app/command-config.ts'
import { formatProblem } from '#config/loaded-config.ts'
import { planChanges, toRegistryChanges, type Plan } from '#registry/plan.ts'
import { checkRoutes } from './check-routes.ts'
import { forgetExamined } from './forget-examined.ts'
import { planText } from './plan-text.ts'
import { domainJson, printJson, printWarnings } from './print.ts'
import { withStore, type Store } from './store.ts'

export const applyCommand: Command = {
  summary: 'make the served domains those of a file',
  usage: `Usage: pforte domain apply FILE [--dry-run] [--prune]

FILE is YAML (or JSON) as pforte domain export prints it. Shows the
difference, + added, ~ changed, - removed, and carries it out: all of it or,
if anything fails, none. What a domain in the file does not mention is at its
default afterwards. Domains that are not in the file stay.

  domains:
    - domain: inst.example
      to: [mail.inst.example:25]
      callout: mail.inst.example:2525
      tls: verify
      maxSize: 50MiB
      subaddressSeparator: +
      replyPatterns: [{ text: "*unknown user*", means: no-such-mailbox }]
      suspended: moving house
      contact: postmaster@inst.example

For certificates: tlsNames, tlsCa (the PEM text itself), tlsPins; xclient: true.
For what the server takes: smtpUtf8, eightBitMime, refusesAtData (true or false),
maxConnections, mailsPerConnection, maxLine, calloutSender (null-path, mailbox).
What was measured stays with a domain whose mail goes to the same server.

  --dry-run      show the difference and change nothing
  --prune        remove the domains that are not in the file, and forget what was
                 measured of them
${configOptionUsage}  --json         one JSON object: changes, keptDomains, warnings, isDryRun
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: {
        ...configOption,
        json: { type: 'boolean' },
        'dry-run': { type: 'boolean' },
        prune: { type: 'boolean' },
      },
      allowPositionals: true,
    })
    const [file, ...more] = positionals
    if (file === undefined || more.length > 0) throw new UsageError('name one file')
    const isDryRun = values['dry-run'] === true
    return await withStore(values.config, io, async (store) => {
      const plan = await planFrom(file, values.prune === true, store)
      const touched = plan.changes
        .filter(({ kind }) => kind !== 'remove')
        .map(({ domain }) => domain)
      if (values.json !== true) io.stdout(planText(plan))
      const warnings = await checkRoutes(touched, store.config, io)
      if (!isDryRun) await carryOut(plan, store)
      if (values.json === true) printJson(io, planJson(plan, warnings, isDryRun))
      else io.stdout(summary(plan, isDryRun))
      if (values.json !== true) printWarnings(io, warnings)
      return 0
    })
  },
}

async function carryOut(plan: Plan, { config, registry }: Store): Promise<void> {
  registry.apply(toRegistryChanges(plan))
  for (const { kind, domain } of plan.changes) {
    if (kind === 'remove') await forgetExamined(config.state, domain.domain)
  }
}

async function planFrom(
  file: string,
  isPruning: boolean,
  { registry, nowMs }: Store,
): Promise<Plan> {
  const { readDomainsFile } = await import('./read-domains-file.ts')
  const wanted = readDomainsFile(file, nowMs)
  if (!wanted.ok) {
    const problems = wanted.problem.map((problem) => `\n${formatProblem(problem)}`).join('')
    throw new CommandError(`nothing was changed${problems}`)
  }
  const current = registry.list()
  if (isPruning && wanted.value.length === 0 && current.length > 0) {
    throw new CommandError(
      `${file} has no domain, and --prune would remove all ${current.length}: ` +
        'nothing was changed; use pforte domain remove if that is what you want',
    )
  }
  return planChanges(current, wanted.value, isPruning)
}

function summary({ changes, keptDomains }: Plan, isDryRun: boolean): string {
  const count = (kind: string): number => changes.filter((change) => change.kind === kind).length
  const counts = `${count('add')} added, ${count('change')} changed, ${count('remove')} removed`
  const kept =
    keptDomains.length === 0
      ? ''
      : `${keptDomains.length} not in the file and kept (--prune removes them): ${keptDomains.join(', ')}\n`
  return `${counts}${isDryRun ? ' (dry run: nothing was changed)' : ''}\n${kept}`
}

function planJson(
  { changes, keptDomains }: Plan,
  warnings: readonly string[],
  isDryRun: boolean,
): Readonly<Record<string, unknown>> {
  return {
    changes: changes.map((change) => ({
      change: change.kind,
      domain: domainJson(change.domain),
      ...(change.kind === 'change' && { fields: change.fields }),
    })),
    keptDomains,
    warnings,
    isDryRun,
  }
}
