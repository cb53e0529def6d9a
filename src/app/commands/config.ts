// `pforte config`: what is in force and where it came from; check, schema and reference.

import { stringify } from 'yaml'
import type { LoadedConfig, Origin } from '#config/loaded-config.ts'
import { commandGroup, parseArguments, type Command, type CommandGroup } from '#app/command.ts'
import { configOption, configOptionUsage, loadCommandConfig } from '#app/command-config.ts'

const showCommand: Command = {
  summary: 'print the effective values and where each came from',
  usage: `Usage: pforte config [--config FILE] [--json]

Prints every value in force as YAML that could be used as a configuration
file, each with its origin: the line of the file, the environment variable,
or the default and its reason.

${configOptionUsage}  --json         one JSON object: file, values { key: { value, origin } }
`,
  run: async (args, io) => {
    const options = { ...configOption, json: { type: 'boolean' } } as const
    const { values } = parseArguments(args, { options })
    const loaded = await loadCommandConfig(values.config, io)
    io.stdout(values.json === true ? asJson(loaded) : asYaml(loaded))
    return 0
  },
}

const checkCommand: Command = {
  summary: 'say what is wrong with the configuration, if anything',
  usage: `Usage: pforte config check [--config FILE]

Exit code 0: it can be used. Exit code 2: it cannot; every problem is
printed with file, line and column.

${configOptionUsage}`,
  run: async (args, io) => {
    const { values } = parseArguments(args, { options: configOption })
    const { file } = await loadCommandConfig(values.config, io)
    io.stdout(`${file}: ok\n`)
    return 0
  },
}

const schemaCommand: Command = {
  summary: 'print the JSON Schema of the file, for editors',
  usage: `Usage: pforte config schema

Prints what docs/config.schema.json holds.
`,
  run: async (args, io) => {
    parseArguments(args, { options: {} })
    const { configJsonSchema } = await import('#config/schema.ts')
    io.stdout(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
    return 0
  },
}

const referenceCommand: Command = {
  summary: 'print the manual of every key, in Markdown',
  usage: `Usage: pforte config reference

Prints what docs/configuration.md holds: every key with its kind of value,
its default and the reason for it.
`,
  run: async (args, io) => {
    parseArguments(args, { options: {} })
    const { configReference } = await import('#config/reference.ts')
    io.stdout(configReference())
    return 0
  },
}

export const configCommand: CommandGroup = commandGroup({
  name: 'config',
  summary: 'show or check the configuration',
  otherwise: showCommand,
  subcommands: { check: checkCommand, schema: schemaCommand, reference: referenceCommand },
})

function asJson({ file, values, origins }: LoadedConfig): string {
  const entries = Object.entries(values).map(([key, value]) => [
    key,
    { value, origin: origins[key] ?? null },
  ])
  return `${JSON.stringify({ file, values: Object.fromEntries(entries) }, null, 2)}\n`
}

function asYaml({ file, values, origins }: LoadedConfig): string {
  const lines = [`# ${file}\n`]
  let open: readonly string[] = []
  for (const [key, value] of Object.entries(values)) {
    const sections = key.split('.').slice(0, -1)
    lines.push(...opening(sections, open))
    open = sections
    const indent = '  '.repeat(sections.length)
    const name = key.split('.').at(-1) ?? key
    const setting = `${indent}${name}: ${inline(value)}`
    lines.push(`${setting.padEnd(44)}  # ${describe(origins[key])}\n`)
  }
  return lines.join('')
}

/** The section lines between two keys: `metrics:` and `  listen:` before the first key in them. */
function opening(sections: readonly string[], open: readonly string[]): readonly string[] {
  const firstNew = sections.findIndex((name, depth) => open[depth] !== name)
  if (firstNew === -1) return []
  const blank = firstNew === 0 ? '\n' : ''
  return sections
    .slice(firstNew)
    .map((name, index) => `${index === 0 ? blank : ''}${'  '.repeat(firstNew + index)}${name}:\n`)
}

/** A value on one line. */
function inline(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()
}

function describe(origin: Origin | undefined): string {
  switch (origin?.kind) {
    case 'file':
      return `line ${origin.line}`
    case 'environment':
      return `environment ${origin.name}`
    case 'default':
      return `default: ${origin.reason}`
    case undefined:
      return 'origin unknown'
  }
}
