// Medians, and numbers for people.

/** NaN of an empty list. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value below which `share` (0 to 1) of the values lie: always one of them, but for the median of an even number. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  if (share === 0.5 && sorted.length > 0 && sorted.length % 2 === 0) {
    const upper = sorted.length / 2
    return ((sorted[upper - 1] ?? NaN) + (sorted[upper] ?? NaN)) / 2
  }
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

/** Three significant digits, thousands separated; `–` for what is not a number. */
export function pretty(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(Math.abs(value) < 10 ? 2 : 3)))
}

/** The median, and the range when there is one. */
export function prettyMedian(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const middle = pretty(median(values))
  const isOne = values.length < 2 || pretty(low) === pretty(high)
  return isOne ? middle : `${middle} (${pretty(low)}–${pretty(high)})`
}
