// `domain show`, `list`, `export`: read only.

import { stringify } from 'yaml'
import { CommandError, parseArguments, type Command } from '#app/command.ts'
import { configOption, configOptionUsage } from '#app/command-config.ts'
import { toDomainDocument } from '#registry/served-domain.ts'
import { isStandIn } from '#registry/unreadable.ts'
import { domainJson, domainText, listText, printJson } from './print.ts'
import { domainArgument, findServed, noArguments, withStore } from './store.ts'

const common = { ...configOption, json: { type: 'boolean' } } as const

export const showCommand: Command = {
  summary: 'show everything about one served domain',
  usage: `Usage: pforte domain show NAME

${configOptionUsage}  --json         one JSON object
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: common,
      allowPositionals: true,
    })
    const domain = domainArgument(positionals)
    return await withStore(values.config, io, ({ registry }) => {
      const served = findServed(registry, domain)
      if (values.json === true) printJson(io, domainJson(served))
      else io.stdout(domainText(served))
      return 0
    })
  },
}

export const listCommand: Command = {
  summary: 'list the served domains',
  usage: `Usage: pforte domain list

${configOptionUsage}  --json         one JSON array
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: common,
      allowPositionals: true,
    })
    noArguments(positionals)
    return await withStore(values.config, io, ({ registry }) => {
      const domains = registry.list()
      if (values.json === true) printJson(io, domains.map(domainJson))
      else if (domains.length > 0) io.stdout(listText(domains))
      else io.stderr('no domain is served yet; see pforte domain add --help\n')
      return 0
    })
  },
}

export const exportCommand: Command = {
  summary: 'print all served domains as a file for apply',
  usage: `Usage: pforte domain export [--json]

Prints YAML that pforte domain apply takes. Times of creation and change are
not in it.

${configOptionUsage}  --json         the same as JSON (apply takes that too)
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: common,
      allowPositionals: true,
    })
    noArguments(positionals)
    return await withStore(values.config, io, ({ registry }) => {
      const served = registry.list()
      const damaged = served.filter(isStandIn).map(({ domain }) => domain)
      if (damaged.length > 0) {
        throw new CommandError(
          `the entry of ${damaged.join(', ')} is damaged, so the export would not be complete: ` +
            'remove it and add it again',
        )
      }
      const file = { domains: served.map(toDomainDocument) }
      if (values.json === true) printJson(io, file)
      else io.stdout(stringify(file, { lineWidth: 0, aliasDuplicateObjects: false }))
      return 0
    })
  },
}
