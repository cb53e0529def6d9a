import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRecipientCache } from './cache.ts'
import { emptyEntry, type RecipientEntry } from './entry.ts'

function positive(domain: string, local: string): RecipientEntry {
  return { ...emptyEntry(domain, local), standing: { kind: 'positive', atMs: 0, routeId: 'r' } }
}

test('a flood of one domain evicts nothing of another', () => {
  const cache = createRecipientCache(100)
  cache.put(positive('small.example', 'a'))
  for (let index = 0; index < 10_000; index += 1) {
    cache.put(positive('big.example', `a${index}`))
  }
  assert.equal(cache.count('big.example'), 100)
  assert.ok(cache.find('small.example', 'a') !== undefined)
})

test('a flood of strangers takes a quarter of the places, the known recipients stay', () => {
  const cache = createRecipientCache(100)
  for (let index = 0; index < 75; index += 1) cache.put(positive('d.example', `known${index}`))
  for (let index = 0; index < 1000; index += 1) cache.put(emptyEntry('d.example', `s${index}`))
  assert.equal(cache.count('d.example'), 100)
  for (let index = 0; index < 75; index += 1) {
    assert.ok(cache.find('d.example', `known${index}`) !== undefined)
  }
  assert.ok(cache.find('d.example', 's999') !== undefined)
})

test('the least recently used goes first', () => {
  const cache = createRecipientCache(2)
  cache.put(positive('d.example', 'a'))
  cache.put(positive('d.example', 'b'))
  cache.find('d.example', 'a')
  cache.put(positive('d.example', 'c'))
  assert.ok(cache.find('d.example', 'a') !== undefined)
  assert.equal(cache.find('d.example', 'b'), undefined)
})

test('an entry that changes its kind is there once', () => {
  const cache = createRecipientCache(10)
  cache.put(emptyEntry('d.example', 'a'))
  cache.put(positive('d.example', 'a'))
  assert.equal(cache.count('d.example'), 1)
  assert.equal(cache.remove('d.example', 'a'), true)
  assert.equal(cache.remove('d.example', 'a'), false)
})

test('a domain can be dropped as a whole, and everything', () => {
  const cache = createRecipientCache(10)
  cache.put(positive('d.example', 'a'))
  cache.put(positive('e.example', 'a'))
  cache.removeDomain('d.example')
  assert.equal(cache.find('d.example', 'a'), undefined)
  cache.clear()
  assert.equal(cache.find('e.example', 'a'), undefined)
})
