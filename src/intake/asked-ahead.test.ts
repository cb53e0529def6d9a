import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AskedAhead } from './asked-ahead.ts'

const mailbox = { local: 'a', domain: 'inst.example' }
const other = { local: 'A', domain: 'inst.example' }

test('an answer waits for its turn, is used once, and is that of this mailbox', () => {
  const ahead = new AskedAhead<{ readonly number: number }>()
  const answer = ahead.ask(mailbox, () => ({ number: 1 }))
  assert.equal(ahead.take(other), undefined)
  assert.equal(ahead.take(mailbox), answer)
  assert.equal(ahead.take(mailbox), undefined)
})

test('whoever is asked ahead twice is asked once, also when nothing was the answer', () => {
  const ahead = new AskedAhead<null>()
  let count = 0
  for (const _each of [1, 2]) {
    ahead.ask(mailbox, () => {
      count += 1
      return null
    })
  }
  assert.equal(count, 1)
  assert.equal(ahead.take(mailbox), null)
})
