import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ContentMemory } from './content-memory.ts'

test('gives what there is, all or nothing, and takes it back', () => {
  const memory = new ContentMemory(100)
  assert.equal(memory.reserve(60), true)
  assert.equal(memory.reserve(41), false)
  assert.equal(memory.usedBytes, 60)
  assert.equal(memory.reserve(40), true)
  assert.equal(memory.reserve(1), false)
  memory.release(60)
  assert.equal(memory.usedBytes, 40)
  assert.equal(memory.reserve(60), true)
})
