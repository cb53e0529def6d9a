// Sizes and durations with their units, as people write them in configuration and commands.

import { failure, success, type Result } from './result.ts'

const bytesPerUnit: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

const msPerUnit: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Bytes of `50MiB`, `256KiB`, `512B`. A number without a unit is refused: nobody knows what it means. */
export function parseSize(text: string): Result<number> {
  return parseQuantity(text, bytesPerUnit, 'a size such as 50MiB, 256KiB or 512B')
}

/** Milliseconds of `30s`, `5min`, `24h`, `31d`, `250ms`. */
export function parseDuration(text: string): Result<number> {
  return parseQuantity(text, msPerUnit, 'a duration such as 250ms, 30s, 5min, 24h or 31d')
}

/** The shortest exact form: `formatSize(52428800)` is `50MiB`. */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, bytesPerUnit, 'B')
}

/** The shortest exact form: `formatDuration(86400000)` is `1d`. */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, msPerUnit, 'ms')
}

function parseQuantity(
  text: string,
  units: Readonly<Record<string, number>>,
  expected: string,
): Result<number> {
  const match = /^(\d{1,15})(?:\.(\d{1,3}))? ?([A-Za-z]+)$/.exec(text.trim())
  const factor = match?.[3] === undefined ? undefined : units[match[3]]
  if (match === null || factor === undefined) return failure(`expected ${expected}`)
  const value = Math.round(Number(`${match[1]}.${match[2] ?? '0'}`) * factor)
  return Number.isSafeInteger(value) ? success(value) : failure('the value is too large')
}

function formatQuantity(
  value: number,
  units: Readonly<Record<string, number>>,
  smallest: string,
): string {
  let best = `${value}${smallest}`
  for (const [unit, factor] of Object.entries(units)) {
    if (value !== 0 && value % factor === 0) best = `${value / factor}${unit}`
  }
  return best
}
