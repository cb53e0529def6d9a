import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { replacePrivately } from './private-file.ts'

test('many write the same file at the same time: one of them whole, private, and nothing else is left', async () => {
  await using temporary = await temporaryFolder()
  const folder = path.join(temporary.path, 'made')
  const texts = Array.from({ length: 20 }, (_none, index) => `${index}`.repeat(10_000))
  await Promise.all(texts.map((text) => replacePrivately(folder, 'a.json', text)))
  assert.deepEqual(readdirSync(folder), ['a.json'])
  assert.ok(texts.includes(readFileSync(path.join(folder, 'a.json'), 'utf8')))
  assert.equal(statSync(path.join(folder, 'a.json')).mode & 0o777, 0o600)
})

test('it cannot take the place of what is there: nothing is left of it', async () => {
  await using temporary = await temporaryFolder()
  const folder = path.join(temporary.path, 'made')
  await replacePrivately(path.join(folder, 'a.json'), 'b', 'a folder stands in the way')
  await assert.rejects(replacePrivately(folder, 'a.json', 'x'))
  assert.deepEqual(readdirSync(folder), ['a.json'])
})
