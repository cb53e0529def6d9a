// What processes had counted that are no more, so that a sum over all never goes down when one is replaced:
// whoever reads it would take that for a start from zero, and count everything once more.

import { countersOf, mergeExpositions } from '#telemetry/merge-expositions.ts'

/** What goes from one coordinator to the next. */
export interface KeptCounters {
  readonly departed: string
  /** By process: what it said last. */
  readonly last: Readonly<Record<string, string>>
}

export class DepartedCounters {
  #departed: string
  readonly #last: Map<string, string>

  constructor(kept: KeptCounters | null) {
    this.#departed = kept?.departed ?? ''
    this.#last = new Map(Object.entries(kept?.last ?? {}))
  }

  /** `process`: its name together with its process id; `text`: its exposition. */
  seen(process: string, text: string): void {
    this.#last.set(process, countersOf(text))
  }

  /** That process has ended. */
  gone(process: string): void {
    const text = this.#last.get(process)
    if (text === undefined) return
    this.#last.delete(process)
    this.#departed = sum([this.#departed, text])
  }

  /** Of all processes but those that have just spoken for themselves. */
  text(answered: ReadonlySet<string>): string {
    const silent = [...this.#last].filter(([process]) => !answered.has(process))
    return sum([this.#departed, ...silent.map(([, text]) => text)])
  }

  /** `ownText`: the exposition of the coordinator that ends. */
  kept(ownText: string): KeptCounters {
    return {
      departed: sum([this.#departed, countersOf(ownText)]),
      last: Object.fromEntries(this.#last),
    }
  }
}

function sum(texts: readonly string[]): string {
  return mergeExpositions(texts.map((text) => ({ process: '', text })))
}
