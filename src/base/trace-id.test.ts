import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTraceIds } from './trace-id.ts'

const noon = Date.UTC(2026, 0, 1, 12)

test('an id is 14 characters that can be read out', () => {
  const next = createTraceIds(() => noon, Math.random)
  for (let round = 0; round < 100; round += 1) assert.match(next(), /^[0-9A-HJKMNP-TV-Z]{14}$/)
})

test('ids of one millisecond differ, also where the counter starts anew', () => {
  const next = createTraceIds(
    () => noon,
    () => 1 - 2 ** -26,
  )
  const ids = Array.from({ length: 1000 }, next)
  assert.equal(new Set(ids).size, 1000)
  assert.ok(ids.some((id) => id.endsWith('00000')))
})

test('ids of two processes in one millisecond differ by their random start', () => {
  const one = createTraceIds(
    () => noon,
    () => 0.25,
  )
  const other = createTraceIds(
    () => noon,
    () => 0.75,
  )
  assert.notEqual(one(), other())
})

test('ids sort by time', () => {
  let now = noon
  const next = createTraceIds(
    () => now,
    () => 0.999,
  )
  const ids: string[] = []
  for (const step of [1, 31, 32, 1000, 60_000, 86_400_000, 365 * 86_400_000]) {
    ids.push(next())
    now += step
  }
  assert.deepEqual(ids.toSorted(), ids)
})

test('the first nine digits are the millisecond', () => {
  const next = createTraceIds(
    () => 32 ** 2 + 1,
    () => 0,
  )
  assert.equal(next(), '00000010100001')
})
