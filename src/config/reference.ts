// The manual's table of every key, printed from the schema and the defaults.

import { defaults } from './defaults.ts'
import { keySchemas } from './known-keys.ts'
import { environmentKeys } from './environment.ts'
import { durationPattern, sizePattern } from './schema-types.ts'
import type { JsonSchema } from './schema.ts'

/** Markdown, ending in a newline. */
export function configReference(): string {
  const sections = Map.groupBy(Object.entries(keySchemas()), ([key]) => sectionOf(key))
  const tables = [...sections].map(([name, rows]) => table(name, rows))
  return `${introduction}\n${tables.join('\n')}\n${environmentTable()}`
}

const introduction = `# Configuration

<!-- Printed by \`pforte config reference\`; a test fails when it is not current. Do not edit. -->

One YAML file: \`--config FILE\`, else \`$PFORTE_CONFIG\`, else \`/etc/pforte/pforte.yaml\`. The smallest one is

\`\`\`yaml
hostname: mailrelay1.example.org
listen: [{ address: 127.0.0.1, port: 2525 }]
state: ./var
\`\`\`

- Sizes carry a unit: \`B\`, \`KiB\`, \`MiB\`, \`GiB\`. Durations carry a unit: \`ms\`, \`s\`, \`min\`, \`h\`, \`d\`. A bare number
  is an error, because nobody can tell what it means.
- An unknown key is an error. Relative paths are taken from the folder of the file.
- YAML anchors and aliases are not supported. An IPv6 address in a list in brackets needs quotes: \`"::1"\`.
- \`pforte config check\` says what is wrong, with line and column; \`pforte config\` prints what is in force and where
  each value came from. \`config.schema.json\` is a JSON Schema for editors:
  \`# yaml-language-server: $schema=config.schema.json\` in the first line of the file.
`

function sectionOf(key: string): string {
  const dot = key.indexOf('.')
  return dot === -1 ? 'Required' : key.slice(0, dot)
}

function table(name: string, rows: readonly (readonly [string, JsonSchema])[]): string {
  const title = name === 'Required' ? name : `\`${name}\``
  const lines = rows.map(([key, schema]) => {
    const description = schema.description ?? ''
    const { shown, reason } = defaultCells(key)
    return name === 'Required'
      ? row([`\`${key}\``, typeWord(schema), description])
      : row([`\`${key}\``, typeWord(schema), shown, description, reason])
  })
  const head =
    name === 'Required'
      ? ['key', 'value', 'meaning']
      : ['key', 'value', 'default', 'meaning', 'why this default']
  return `## ${title}\n\n${row(head)}${row(head.map(() => '---'))}${lines.join('')}`
}

function defaultCells(key: string): { readonly shown: string; readonly reason: string } {
  const found = defaults[key]
  if (found === undefined) return { shown: '', reason: '' }
  const { value, derived, reason } = found
  if (derived !== undefined) return { shown: derived, reason }
  const shown = Array.isArray(value) && value.length === 0 ? 'none' : `\`${String(value)}\``
  return { shown, reason }
}

/** What to write, in a word or two. */
function typeWord(schema: JsonSchema): string {
  const { type, pattern, items, anyOf } = schema
  if (pattern === sizePattern) return 'size'
  if (pattern === durationPattern) return 'duration'
  if (Array.isArray(schema['enum'])) return schema['enum'].map((word) => `\`${word}\``).join(', ')
  if (items !== undefined) return `list of ${typeWord(items)}`
  if (schema.properties !== undefined) return `{ ${Object.keys(schema.properties).join(', ')} }`
  if (anyOf !== undefined) {
    const words = anyOf.map((one) => typeWord(one))
    return [...new Set(words)].join(' or ')
  }
  if (type === 'integer') return `${String(schema['minimum'])}–${String(schema['maximum'])}`
  if (schema['format'] === 'ipv4' || schema['format'] === 'ipv6') return 'IP address'
  if (type === 'boolean') return '`true`, `false`'
  if (type === 'null') return '`null`'
  return 'text'
}

function environmentTable(): string {
  const rows = Object.entries(environmentKeys).map(([key, name]) =>
    row([`\`${name}\``, `\`${key}\``]),
  )
  return `## Environment

For containers. A variable that is set and not empty goes before the file.

${row(['variable', 'instead of'])}${row(['---', '---'])}${rows.join('')}`
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
}
