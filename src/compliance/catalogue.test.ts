import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { catalogue } from './catalogue.ts'

const checks = path.join(import.meta.dirname, 'checks')

test('every id is written once, and is the name of the check’s folder', () => {
  const ids = catalogue.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  const folders = globSync('*/check.ts', { cwd: checks }).map((file) => path.dirname(file))
  assert.deepEqual(ids.toSorted(), folders.toSorted())
})

test('every check has cases', () => {
  const tests = globSync('*.test.ts', { cwd: checks }).map((file) =>
    readFileSync(path.join(checks, file), 'utf8'),
  )
  const described = new Set(
    tests
      .flatMap((code) => [...code.matchAll(/import \{ (\w+) \} from '\.\/([\w-]+)\/check\.ts'/g)])
      .filter(([, name = '']) =>
        tests.some((code) =>
          new RegExp(
            `describeCheck\\(${name},|for \\(const check of \\[[^\\]]*\\b${name}\\b|\\[${name}, /`,
          ).test(code),
        ),
      )
      .map(([, , id = '']) => id),
  )
  const without = catalogue.map(({ id }) => id).filter((id) => !described.has(id))
  assert.deepEqual(without, [])
})

test('every text exists in both languages and fits a line of a list', () => {
  for (const { id, title, requirement } of catalogue) {
    for (const language of ['de', 'en'] as const) {
      assert.ok(
        title[language].length > 3 && title[language].length <= 60,
        `${id}: ${title[language]}`,
      )
      assert.match(requirement[language], /[.?]$/, id)
    }
    assert.notEqual(requirement.de, requirement.en)
  }
})
