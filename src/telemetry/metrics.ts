// Counters, gauges and histograms, and their text form (Prometheus exposition format 0.0.4).

import {
  HistogramSeries,
  labelName,
  NumberSeries,
  sample,
  escapeHelp,
  type Label,
} from './metric-series.ts'

export type MetricKind = 'counter' | 'gauge' | 'histogram'

export interface MetricDefinition<Labels extends readonly Label[]> {
  /** `[a-z_]+`, with its unit: `_seconds`, `_bytes`; counters end in `_total`. */
  readonly name: string
  readonly help: string
  readonly labels: Labels
}

/** What is known of a metric without its values, for the manual. */
export interface MetricDescription {
  readonly name: string
  readonly kind: MetricKind
  readonly help: string
  readonly labels: readonly string[]
}

/** One value for each label, in the order of the definition. */
export type LabelValues<Labels extends readonly Label[]> = {
  readonly [Index in keyof Labels]: string
}

export interface Counter<Labels extends readonly Label[]> {
  /** `amount` is not negative. */
  readonly add: (amount: number, ...values: LabelValues<Labels>) => void
}

export interface Gauge<Labels extends readonly Label[]> {
  readonly set: (value: number, ...values: LabelValues<Labels>) => void
  readonly add: (amount: number, ...values: LabelValues<Labels>) => void
  /** Sets it unless it has a value. */
  readonly setIfAbsent: (value: number, ...values: LabelValues<Labels>) => void
}

export interface Histogram<Labels extends readonly Label[]> {
  readonly observe: (value: number, ...values: LabelValues<Labels>) => void
}

interface Metric extends MetricDescription {
  /** Sample lines, each with its line feed. */
  readonly samples: () => string
}

export class MetricsRegistry {
  readonly #metrics = new Map<string, Metric>()

  counter<const Labels extends readonly Label[]>(
    definition: MetricDefinition<Labels>,
  ): Counter<Labels> {
    const series = this.#numbers('counter', definition)
    return { add: (amount, ...values) => series.add(amount, values) }
  }

  gauge<const Labels extends readonly Label[]>(
    definition: MetricDefinition<Labels>,
  ): Gauge<Labels> {
    const series = this.#numbers('gauge', definition)
    return {
      set: (value, ...values) => series.set(value, values),
      add: (amount, ...values) => series.add(amount, values),
      setIfAbsent: (value, ...values) => series.setIfAbsent(value, values),
    }
  }

  /** `upperBounds` ascend; the bucket of everything above is added. */
  histogram<const Labels extends readonly Label[]>(
    definition: MetricDefinition<Labels>,
    upperBounds: readonly number[],
  ): Histogram<Labels> {
    const series = new HistogramSeries(definition, upperBounds)
    this.#register('histogram', definition, () => series.samples())
    return { observe: (value, ...values) => series.observe(value, values) }
  }

  /** A value that lives elsewhere and is read when somebody looks. */
  observed(
    kind: 'counter' | 'gauge',
    definition: MetricDefinition<readonly []>,
    read: () => number,
  ): void {
    this.#register(kind, definition, () => sample(definition.name, '', read()))
  }

  descriptions(): readonly MetricDescription[] {
    return [...this.#metrics.values()].map(({ name, kind, help, labels }) => ({
      name,
      kind,
      help,
      labels,
    }))
  }

  exposition(): string {
    let text = ''
    for (const { name, kind, help, samples } of this.#metrics.values()) {
      text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${kind}\n${samples()}`
    }
    return text
  }

  #numbers(
    kind: 'counter' | 'gauge',
    definition: MetricDefinition<readonly Label[]>,
  ): NumberSeries {
    const series = new NumberSeries(definition)
    this.#register(kind, definition, () => series.samples())
    return series
  }

  #register(
    kind: MetricKind,
    { name, help, labels }: MetricDefinition<readonly Label[]>,
    samples: () => string,
  ): void {
    if (this.#metrics.has(name)) throw new RangeError(`metric ${name} is defined twice`)
    this.#metrics.set(name, { name, kind, help, labels: labels.map(labelName), samples })
  }
}
