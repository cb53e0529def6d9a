import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'

function value(result: ReturnType<typeof parseSize>): number | string {
  return result.ok ? result.value : result.problem
}

test('sizes are bytes in every unit', () => {
  const rows: readonly (readonly [string, number])[] = [
    ['0B', 0],
    ['512B', 512],
    ['256KiB', 262144],
    ['50MiB', 52428800],
    ['1.5GiB', 1610612736],
    [' 50 MiB ', 52428800],
  ]
  for (const [text, bytes] of rows) assert.equal(value(parseSize(text)), bytes, text)
})

test('durations are milliseconds in every unit', () => {
  const rows: readonly (readonly [string, number])[] = [
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['5min', 300_000],
    ['24h', 86_400_000],
    ['31d', 2_678_400_000],
    ['0.5h', 1_800_000],
    ['1.005s', 1005],
  ]
  for (const [text, ms] of rows) assert.equal(value(parseDuration(text)), ms, text)
})

test('what is no size or duration is refused with an example', () => {
  const sizes = [
    '',
    '50',
    'MiB',
    '50MB',
    '50mib',
    '-1MiB',
    '1e3B',
    '0x10B',
    '1,5MiB',
    '50 Mi B',
    '1.2345KiB',
  ]
  for (const text of sizes) assert.match(String(value(parseSize(text))), /such as 50MiB/, text)
  const durations = ['', '30', 's', '5m', '5 minutes', '24H', '-1s', 'Infinitys', 'NaNs']
  for (const text of durations)
    assert.match(String(value(parseDuration(text))), /such as 250ms/, text)
})

test('a name every JavaScript object has is no unit', () => {
  for (const text of ['5constructor', '5toString', '5hasOwnProperty', '5__proto__']) {
    assert.match(String(value(parseSize(text))), /^expected a size/, text)
    assert.match(String(value(parseDuration(text))), /^expected a duration/, text)
  }
})

test('a fraction does not vanish, and a value stays exact', () => {
  assert.equal(value(parseDuration('0.4ms')), 'the value is too small')
  assert.equal(value(parseSize('0.1B')), 'the value is too small')
  assert.equal(value(parseSize('999999999999999GiB')), 'the value is too large')
  assert.equal(value(parseDuration('999999999999999d')), 'the value is too large')
})

test('a value is shown in the largest unit without a fraction', () => {
  assert.deepEqual(
    [0, 1, 1023, 1024, 1536, 52428800, 1073741824].map((bytes) => formatSize(bytes)),
    ['0B', '1B', '1023B', '1KiB', '1536B', '50MiB', '1GiB'],
  )
  assert.deepEqual(
    [0, 1500, 30_000, 90_000, 300_000, 86_400_000, 90_000_000].map((ms) => formatDuration(ms)),
    ['0ms', '1500ms', '30s', '90s', '5min', '1d', '25h'],
  )
})

test('parsing undoes formatting', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 }), (number) => {
      assert.equal(value(parseSize(formatSize(number))), number)
      assert.equal(value(parseDuration(formatDuration(number))), number)
    }),
  )
})

test('any text gives a value or a problem', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const result = parseSize(text)
      assert.ok(
        result.ok ? Number.isSafeInteger(result.value) && result.value >= 0 : result.problem !== '',
      )
    }),
  )
})
