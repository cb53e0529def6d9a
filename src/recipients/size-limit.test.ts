import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noExtensions } from '#smtp/extensions.ts'
import { sizeProblem } from './size-limit.ts'

const offers = (size: number | null): typeof noExtensions => ({ ...noExtensions, size })

test('a size over the profile or over what the server offers is a problem', () => {
  assert.equal(sizeProblem(2048, 1024, null), 'it takes at most 1KiB')
  assert.equal(sizeProblem(2048, null, offers(1024)), 'it takes at most 1KiB')
  assert.equal(sizeProblem(2048, 4096, offers(1024)), 'it takes at most 1KiB')
})

test('none declared, none known, no limit: no problem', () => {
  assert.equal(sizeProblem(null, 1024, offers(1)), undefined)
  assert.equal(sizeProblem(2048, null, null), undefined)
  assert.equal(sizeProblem(2048, 2048, offers(0)), undefined)
  assert.equal(sizeProblem(2048, null, offers(null)), undefined)
})
