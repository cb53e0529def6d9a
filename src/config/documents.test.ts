// What is printed from the schema and the defaults is complete, and current where it is kept.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findPackageJSON } from 'node:module'
import { test } from 'node:test'
import { parseDocument } from 'yaml'
import { defaults } from './defaults.ts'
import { keySchemas, keysBelow, knownKeys } from './known-keys.ts'
import { loadConfig } from './load-config.ts'
import { formatProblem } from './loaded-config.ts'
import { configReference } from './reference.ts'
import { configJsonSchema } from './schema.ts'

const root = dirname(findPackageJSON(import.meta.url) ?? assert.fail('no package.json'))
const example = join(root, 'deploy/pforte.example.yaml')

test('docs/config.schema.json is current', () => {
  const kept: unknown = JSON.parse(readFileSync(join(root, 'docs/config.schema.json'), 'utf8'))
  const fresh: unknown = JSON.parse(JSON.stringify(configJsonSchema()))
  assert.deepEqual(kept, fresh, 'run: bin/pforte config schema > docs/config.schema.json')
})

test('docs/configuration.md is current', () => {
  const kept = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
  const hint = 'run: bin/pforte config reference > docs/configuration.md'
  assert.equal(kept, configReference(), hint)
})

test('every optional key has a default with its reason, and every default a key', () => {
  const optional = knownKeys().filter((key) => !['hostname', 'listen', 'state'].includes(key))
  assert.deepEqual(Object.keys(defaults).toSorted(), optional.toSorted())
  for (const [key, { reason }] of Object.entries(defaults)) assert.ok(reason.length > 10, key)
})

test('every key is described', () => {
  for (const [key, schema] of Object.entries(keySchemas())) {
    assert.match(schema.description ?? '', /\w.*[.;]/, key)
  }
})

test('the schema refuses unknown keys and asks for the three required ones', () => {
  const schema = configJsonSchema()
  assert.equal(schema['additionalProperties'], false)
  assert.deepEqual(schema['required'], ['hostname', 'listen', 'state'])
  assert.deepEqual(keysBelow(['listen', 0]), ['address', 'port', 'proxy'])
  assert.deepEqual(keysBelow(['nowhere']), [])
})

test('the example loads, and sets nothing but the required keys', () => {
  const loaded = loadConfig({ file: example, environment: {} })
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problem.map(formatProblem).join('\n'))
  const set = Object.entries(loaded.value.origins).filter(([, { kind }]) => kind !== 'default')
  assert.deepEqual(
    set.map(([key]) => key),
    ['hostname', 'listen', 'state'],
  )
})

test('the example shows every key, and every commented one with its default', () => {
  const text = readFileSync(example, 'utf8')
  // Comments that are settings: `key:` follows the sign.
  const uncommented = text.replace(/^( *)# ((?: {2})*(?:- )?(?:\w+):.*)$/gm, '$1$2')
  const document = parseDocument(uncommented)
  assert.deepEqual(document.errors, [])
  for (const [key, { value, derived }] of Object.entries(defaults)) {
    const path = key.split('.')
    assert.ok(document.hasIn(path), `${key} is not in the example`)
    const shown: unknown = document.getIn(path)
    if (derived === undefined && !Array.isArray(value)) assert.deepEqual(shown, value, key)
  }
})
