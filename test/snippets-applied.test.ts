// What `pforte check` tells a postmaster to write into a configuration was tried out on a real server, or the list says why not.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { snippets, type SnippetTopic, type System } from '#compliance/mta/snippets.ts'
import { appliedIn, notApplied, systems } from './compliance/support/applied.ts'

const topics = new Set(Object.keys(snippets))
/** `postmaster for postfix`; one for each snippet there is. */
const written = systems.flatMap((system) =>
  topicsOf(system).map((topic) => `${topic} for ${system}`),
)
const applied = Object.values(appliedIn).flatMap((bySystem) =>
  Object.entries(bySystem).flatMap(([system, list]) =>
    list.map((topic) => `${topic} for ${system}`),
  ),
)
const excepted = notApplied.flatMap(({ system, topics: list }) =>
  (list === 'all' ? topicsOf(system) : list).map((topic) => `${topic} for ${system}`),
)

function topicsOf(system: System): readonly SnippetTopic[] {
  return Object.entries(snippets).flatMap(([topic, bySystem]) =>
    bySystem[system] !== undefined && isTopic(topic) ? [topic] : [],
  )
}

function isTopic(name: string): name is SnippetTopic {
  return topics.has(name)
}

test('every snippet is applied to its server by a test, or named with the reason why not', () => {
  const named = new Set([...applied, ...excepted])
  assert.deepEqual(
    written.filter((each) => !named.has(each)),
    [],
    'apply it in test/compliance and name it in support/applied.ts',
  )
})

test('nothing is named that does not exist, or as both applied and not', () => {
  assert.deepEqual(
    [...applied, ...excepted].filter((each) => !written.includes(each)),
    [],
  )
  assert.deepEqual(
    excepted.filter((each) => applied.includes(each)),
    [],
  )
})

test('the files that are named compare the list with what they did', () => {
  for (const file of Object.keys(appliedIn)) {
    const text = readFileSync(join(import.meta.dirname, 'compliance', file), 'utf8')
    assert.ok(/^ *checkApplied\(import\.meta\.filename\)$/m.test(text), file)
  }
})
