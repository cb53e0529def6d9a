import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { replyClassesPage } from './reply-table.ts'
import { replyRules } from './reply-classes.ts'

test('docs/reply-classes.md is current: pforte recipient classes > docs/reply-classes.md', () => {
  const file = new URL('../../docs/reply-classes.md', import.meta.url)
  assert.equal(readFileSync(file, 'utf8'), replyClassesPage())
})

test('the rows are well formed', () => {
  assert.equal(new Set(replyRules.map((rule) => rule.id)).size, replyRules.length)
  for (const { words, statuses, id } of replyRules) {
    for (const word of words ?? []) {
      // What is not lower case or has punctuation could never fit.
      assert.match(word, /^[\p{Ll}\p{N}]+( [\p{Ll}\p{N}]+)*$/u, id)
    }
    for (const status of statuses ?? []) assert.match(status, /^(none|[45]\.\d+\.(\d+|\*))$/, id)
  }
})

test('every class of reply ends in a row that fits all', () => {
  for (const replyClass of [4, 5] as const) {
    const last = replyRules.filter((rule) => rule.replyClass === replyClass).at(-1)
    assert.deepEqual([last?.codes, last?.statuses, last?.words], [null, null, null])
  }
})
