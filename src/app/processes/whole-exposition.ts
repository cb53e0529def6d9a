// The metrics of the whole relay, put together by the coordinator.

import type { LinkServer } from '#link/serve-link.ts'
import { mergeExpositions } from '#telemetry/merge-expositions.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import { calls, fromJson, nothing } from './calls.ts'
import { DepartedCounters, type KeptCounters } from './departed-counters.ts'

/** What a process that does not answer in this time said last is taken. */
const answerMs = 1000

export class WholeExposition {
  readonly #telemetry: Telemetry
  readonly #counters: DepartedCounters

  /** `kept`: of the coordinator before. */
  constructor(telemetry: Telemetry, kept: KeptCounters | null) {
    this.#telemetry = telemetry
    this.#counters = new DepartedCounters(kept)
  }

  seen(process: string, text: string): void {
    this.#counters.seen(process, text)
  }

  gone(process: string): void {
    this.#counters.gone(process)
  }

  kept(): KeptCounters {
    return this.#counters.kept(this.#telemetry.metrics.exposition())
  }

  async text(server: LinkServer): Promise<string> {
    const answers = await askAll(server)
    for (const { name, text } of answers) this.#counters.seen(name, text)
    const departed = this.#counters.text(new Set(answers.map(({ name }) => name)))
    return mergeExpositions([
      { process: 'coordinator', text: this.#telemetry.metrics.exposition() },
      ...labelled(answers),
      { process: '', text: departed },
    ])
  }
}

interface Answer {
  /** On the link. */
  readonly name: string
  readonly text: string
}

/** In the order in which they came. */
async function askAll(server: LinkServer): Promise<readonly Answer[]> {
  const answers = await Promise.all(
    server.peers().map(async (peer): Promise<readonly Answer[]> => {
      if (peer.name === 'command') return []
      const answer = await peer.ask(calls.metrics, nothing, answerMs).catch(() => null)
      return answer === null ? [] : [{ name: peer.name, text: fromJson<string>(answer.value) }]
    }),
  )
  return answers.flat()
}

/** A worker that has been replaced has the name of the next one, and goes on for a while. */
function labelled(
  answers: readonly Answer[],
): readonly { readonly process: string; readonly text: string }[] {
  const names = answers.map(({ name }) => name.replace(/\.\d+$/, ''))
  return answers.map(({ text }, index) => {
    const name = names[index] ?? ''
    const isReplaced = names.lastIndexOf(name) > index
    return { process: isReplaced ? `${name}-replaced` : name, text }
  })
}
