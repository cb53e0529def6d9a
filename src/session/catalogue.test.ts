import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { repliesPage } from '#verdict/catalogue.ts'
import { dialogRepliesChapter } from './catalogue.ts'

const update = 'UPDATE_DOCS=1 node --test src/session/catalogue.test.ts'

test('docs/replies.md is current', () => {
  const file = new URL('../../docs/replies.md', import.meta.url)
  const page = `${repliesPage()}\n${dialogRepliesChapter()}`
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, page)
  assert.equal(
    readFileSync(file, 'utf8'),
    page,
    `docs/replies.md is stale; write it with: ${update}`,
  )
})

test('every reply of the dialog is printable lines of at most 512 octets', () => {
  const rows = dialogRepliesChapter()
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  assert.ok(rows.length > 25)
  for (const row of rows) assert.match(row, /^\| `[2-5]\d\d [ -~]{1,400}` \| [ -~]+ \|$/)
})
