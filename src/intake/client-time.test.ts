import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientTime } from './client-time.ts'

const pace = { pauseMs: 10_000, minBytesPerSecond: 500 }

test('content has to come at the slowest rate in the long run', () => {
  const slow = new ClientTime()
  slow.begin(0, pace.pauseMs)
  const quick = new ClientTime()
  quick.begin(0, pace.pauseMs)
  for (let second = 1; second <= 60; second += 1) {
    slow.took(400, second * 1000, pace)
    quick.took(600, second * 1000, pace)
  }
  // 400 of 500 bytes a second: a fifth of each second is taken from the budget of 10 s.
  assert.equal(slow.deadlineMs, 10_000 + 60 * 800)
  assert.equal(quick.deadlineMs, 70_000)
})

test('a fast piece buys no longer pause than the longest one', () => {
  const time = new ClientTime()
  time.begin(0, pace.pauseMs)
  time.took(50_000_000, 1000, pace)
  assert.equal(time.deadlineMs, 11_000)
})

test('without a slowest rate each piece renews the pause', () => {
  const time = new ClientTime()
  time.begin(0, 10_000)
  time.took(1, 9000, { pauseMs: 10_000, minBytesPerSecond: 0 })
  assert.equal(time.deadlineMs, 19_000)
})

test('what the relay does not read costs the client nothing', () => {
  const time = new ClientTime()
  time.begin(0, 10_000)
  time.hold(4000)
  time.hold(6000)
  assert.equal(time.deadlineMs, Infinity)
  time.release(104_000)
  time.release(105_000)
  assert.equal(time.deadlineMs, 110_000)
})

test('shorter times hold at once, and never lengthen', () => {
  const time = new ClientTime()
  time.begin(0, 300_000)
  time.shorten(1000, 10_000)
  assert.equal(time.deadlineMs, 11_000)
  time.shorten(5000, 10_000)
  assert.equal(time.deadlineMs, 11_000)
})
