import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstAttemptMs, longestDelayMs, nextAttemptMs, type ScheduleRules } from './schedule.ts'

const rules: ScheduleRules = { pausesMs: [60_000, 120_000, 1_800_000] }
const middle = (): number => 0.5

test('the pauses in turn, of which the last one repeats', () => {
  const pauses = [1, 2, 3, 4, 1000].map((count) => nextAttemptMs(rules, count, 5000, middle) - 5000)
  assert.deepEqual(pauses, [60_000, 120_000, 1_800_000, 1_800_000, 1_800_000])
})

test('what was tried while the client waited has had its first attempt', () => {
  assert.equal(firstAttemptMs(rules, 5000, middle), nextAttemptMs(rules, 1, 5000, middle))
  assert.equal(nextAttemptMs(rules, 0, 5000, middle), nextAttemptMs(rules, 1, 5000, middle))
})

test('the jitter is a tenth to both sides', () => {
  assert.equal(
    nextAttemptMs(rules, 1, 0, () => 0),
    54_000,
  )
  assert.equal(
    nextAttemptMs(rules, 1, 0, () => 0.999_999_9),
    66_000,
  )
})

test('no pause is longer than the longest delay, whatever their order', () => {
  for (const pausesMs of [[10_000, 50_003, 20_000] as const, [7] as const]) {
    const longest = longestDelayMs({ pausesMs: [...pausesMs] as [number, ...number[]] })
    for (const count of [1, 2, 3, 4]) {
      const each = { pausesMs: [...pausesMs] as [number, ...number[]] }
      assert.ok(nextAttemptMs(each, count, 0, () => 1) <= longest)
    }
    assert.ok(longest <= Math.ceil(Math.max(...pausesMs) * 1.1))
  }
})
