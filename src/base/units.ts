// Sizes and durations with their units, as people write them in configuration and commands.

import { failure, success, type Result } from './result.ts'

/** Factor by unit, the smallest one first and equal to 1. */
type Units = ReadonlyMap<string, number>

const bytesPerUnit: Units = new Map([
  ['B', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
])

const msPerUnit: Units = new Map([
  ['ms', 1],
  ['s', 1000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/**
 * Bytes of `50MiB`, `256KiB`, `512B`, `1.5GiB`. A number without a unit is refused: nobody knows what
 * it means. A fraction of a byte is rounded, but never to nothing. The problem fits behind `text: `.
 */
export function parseSize(text: string): Result<number> {
  return parseQuantity(text, bytesPerUnit, 'a size such as 50MiB, 256KiB or 512B')
}

/** Milliseconds of `30s`, `5min`, `24h`, `31d`, `250ms`, `1.5h`; as `parseSize`. */
export function parseDuration(text: string): Result<number> {
  return parseQuantity(text, msPerUnit, 'a duration such as 250ms, 30s, 5min, 24h or 31d')
}

/** In the largest unit that needs no fraction: `formatSize(52428800)` is `50MiB`. */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, bytesPerUnit)
}

/** In the largest unit that needs no fraction: `formatDuration(86400000)` is `1d`. */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, msPerUnit)
}

function parseQuantity(text: string, units: Units, expected: string): Result<number> {
  const match = /^(\d{1,15})(?:\.(\d{1,3}))? ?([A-Za-z]+)$/.exec(text.trim())
  const factor = units.get(match?.[3] ?? '')
  if (match === null || factor === undefined) return failure(`expected ${expected}`)
  const written = Number(`${match[1]}.${match[2] ?? '0'}`)
  const value = Math.round(written * factor)
  // A timeout or limit of zero often means "none": nobody who wrote 0.4ms wants that.
  if (value === 0 && written > 0) return failure('the value is too small')
  return Number.isSafeInteger(value) ? success(value) : failure('the value is too large')
}

function formatQuantity(value: number, units: Units): string {
  let best = ''
  for (const [unit, factor] of units) {
    if (best === '' || (value !== 0 && value % factor === 0)) best = `${value / factor}${unit}`
  }
  return best
}
