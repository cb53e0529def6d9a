// The values of one metric, one series for each combination of label values, and their text.

/**
 * A label takes its values from a closed set, or it is open: then only the first `maxValueCount`
 * different values count and all later ones become `other`, because every value costs memory here
 * and in the database for as long as it is kept.
 */
export type Label = string | { readonly name: string; readonly maxValueCount: number }

export interface SeriesDefinition {
  readonly name: string
  readonly labels: readonly Label[]
}

export class NumberSeries {
  readonly #name: string
  readonly #keys: SeriesKeys
  readonly #values = new Map<string, number>()

  constructor({ name, labels }: SeriesDefinition) {
    this.#name = name
    this.#keys = new SeriesKeys(labels)
    if (labels.length === 0) this.#values.set('', 0) // a rate needs the zero before the first event
  }

  add(amount: number, values: readonly string[]): void {
    const key = this.#keys.key(values)
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount)
  }

  set(value: number, values: readonly string[]): void {
    this.#values.set(this.#keys.key(values), value)
  }

  setIfAbsent(value: number, values: readonly string[]): void {
    const key = this.#keys.key(values)
    if (!this.#values.has(key)) this.#values.set(key, value)
  }

  samples(): string {
    let text = ''
    for (const [key, value] of this.#values) text += sample(this.#name, this.#keys.text(key), value)
    return text
  }
}

interface Distribution {
  readonly counts: number[]
  sum: number
}

export class HistogramSeries {
  readonly #name: string
  readonly #keys: SeriesKeys
  readonly #upperBounds: readonly number[]
  readonly #distributions = new Map<string, Distribution>()

  constructor({ name, labels }: SeriesDefinition, upperBounds: readonly number[]) {
    this.#name = name
    this.#keys = new SeriesKeys(labels)
    this.#upperBounds = upperBounds
    if (labels.length === 0) this.#distribution('')
  }

  observe(value: number, values: readonly string[]): void {
    const distribution = this.#distribution(this.#keys.key(values))
    let index = 0
    while (value > (this.#upperBounds[index] ?? Infinity)) index += 1
    distribution.counts[index] = (distribution.counts[index] ?? 0) + 1
    distribution.sum += value
  }

  samples(): string {
    let text = ''
    for (const [key, { counts, sum }] of this.#distributions) {
      const labels = this.#keys.text(key)
      const separator = labels === '' ? '' : ','
      let count = 0
      for (const [index, inBucket] of counts.entries()) {
        count += inBucket
        const bound = encodeNumber(this.#upperBounds[index] ?? Infinity)
        text += sample(`${this.#name}_bucket`, `${labels}${separator}le="${bound}"`, count)
      }
      text +=
        sample(`${this.#name}_sum`, labels, sum) + sample(`${this.#name}_count`, labels, count)
    }
    return text
  }

  #distribution(key: string): Distribution {
    const known = this.#distributions.get(key)
    if (known !== undefined) return known
    const counts = Array.from({ length: this.#upperBounds.length + 1 }, () => 0)
    const distribution = { counts, sum: 0 }
    this.#distributions.set(key, distribution)
    return distribution
  }
}

const keySeparator = '\u0000'

/** Turns label values into the key of a series, and a key into its text. */
class SeriesKeys {
  readonly #labels: readonly Label[]
  readonly #seen: readonly (Set<string> | null)[]
  readonly #isOpen: boolean

  constructor(labels: readonly Label[]) {
    this.#labels = labels
    this.#seen = labels.map((label) => (typeof label === 'string' ? null : new Set()))
    this.#isOpen = this.#seen.some((seen) => seen !== null)
  }

  key(values: readonly string[]): string {
    const bounded = this.#isOpen
      ? values.map((value, index) => this.#bounded(value, index))
      : values
    return bounded.length === 1 ? (bounded[0] ?? '') : bounded.join(keySeparator)
  }

  /** `name="value",name="value"` without braces. */
  text(key: string): string {
    if (this.#labels.length === 0) return ''
    const values = key.split(keySeparator)
    return this.#labels
      .map((label, index) => `${labelName(label)}="${escapeLabelValue(values[index] ?? '')}"`)
      .join(',')
  }

  #bounded(value: string, index: number): string {
    const label = this.#labels[index]
    const seen = this.#seen[index]
    if (seen === null || seen === undefined || typeof label !== 'object') return value
    const name = value.slice(0, 255).replaceAll(keySeparator, '?')
    if (seen.has(name)) return name
    if (seen.size >= label.maxValueCount) return 'other'
    seen.add(name)
    return name
  }
}

export function labelName(label: Label): string {
  return typeof label === 'string' ? label : label.name
}

export function sample(name: string, labels: string, value: number): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${encodeNumber(value)}\n`
}

function encodeNumber(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

export function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabelValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
