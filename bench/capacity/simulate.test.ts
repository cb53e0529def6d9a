import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomNumbers, simulateConnections, simulateQuestions } from './simulate.ts'

test('the same seed gives the same numbers, spread over the whole range', () => {
  const take = (): readonly number[] => {
    const random = randomNumbers(7)
    return Array.from({ length: 10_000 }, random)
  }
  const numbers = take()
  assert.deepEqual(take(), numbers)
  assert.ok(numbers.every((number) => number >= 0 && number < 1))
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length
  assert.ok(Math.abs(mean - 0.5) < 0.02, String(mean))
})

test('one address on one node is asked for in the background, twice a day', () => {
  const scene = { nodeCount: 1, addressCount: 1, mailsPerDay: 24, dayCount: 3 }
  const { liveShare, refreshShare } = simulateQuestions(scene)
  assert.equal(liveShare, 0)
  // Hourly mails: the first one older than 12 h is 13 h old.
  assert.ok(Math.abs(refreshShare * 24 - 2) <= 1, String(refreshShare))
})

test('as many nodes as mails: every mail is a question', () => {
  const scene = { nodeCount: 1e9, addressCount: 1, mailsPerDay: 1000, dayCount: 2 }
  assert.ok(simulateQuestions(scene).liveShare > 0.99)
})

test('connections: one busy node keeps some open and uses them again', () => {
  const scene = { nodeCount: 1, mailsPerSecond: 100, busyMs: 10, idleCloseMs: 5000, seconds: 600 }
  const { meanCount, reusedShare } = simulateConnections(scene)
  assert.ok(reusedShare > 0.95)
  assert.ok(meanCount >= 1 && meanCount < 20, String(meanCount))
})

test('connections: with countless nodes each mail has one of its own, for its time and the idle time', () => {
  const scene = { nodeCount: 1e9, mailsPerSecond: 10, busyMs: 20, idleCloseMs: 5000, seconds: 3600 }
  const { meanCount, reusedShare } = simulateConnections(scene)
  assert.equal(reusedShare, 0)
  assert.ok(Math.abs(meanCount - 10 * 5.02) < 2.5, String(meanCount)) // Little's law
})
