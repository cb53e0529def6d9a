// Coverage-guided fuzzing in small: an input that runs a block of our code that no input has run before is
// kept, and the next ones are made from those kept. V8 counts the blocks itself (node:inspector).

import { Session } from 'node:inspector/promises'
import type { FuzzTarget, Seed } from './target.ts'

/** Looking at the counters costs milliseconds, so it is done for so many inputs at once. */
const batchSize = 64
const maxBytes = 4096

export interface Bred {
  readonly tries: number
  /** Inputs that reached new code, the seeds not counted. */
  readonly kept: number
}

/** Ends after `forMs`; rejects with what `check` threw. */
export async function breed(
  target: FuzzTarget,
  seeds: readonly Seed[],
  forMs: number,
  check: (bytes: Buffer, cut: number) => void,
): Promise<Bred> {
  await using coverage = await openCoverage()
  const pool = seeds.map(({ bytes }) => bytes)
  for (const bytes of pool) check(bytes, 0)
  await coverage.newBlockCount()
  const endMs = performance.now() + forMs
  let tries = 0
  while (performance.now() < endMs) {
    const batch = Array.from({ length: batchSize }, () => ({
      bytes: mutate(pick(pool), target, pool),
      cut: random(1 << 20),
    }))
    for (const { bytes, cut } of batch) check(bytes, cut)
    tries += batch.length
    if ((await coverage.peek()) === 0) continue
    // One of them did: which, is seen one by one.
    for (const { bytes, cut } of batch) {
      await coverage.reset()
      check(bytes, cut)
      if ((await coverage.newBlockCount()) > 0) pool.push(bytes)
    }
  }
  return { tries, kept: pool.length - seeds.length }
}

interface Coverage extends AsyncDisposable {
  /** Blocks run since the last look that were never run before; from now on they were. */
  readonly newBlockCount: () => Promise<number>
  /** The same, and nothing is remembered. */
  readonly peek: () => Promise<number>
  readonly reset: () => Promise<void>
}

async function openCoverage(): Promise<Coverage> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  const seen = new Set<string>()
  const blocks = async (): Promise<readonly string[]> => {
    const { result } = await session.post('Profiler.takePreciseCoverage')
    const ours = result.filter(({ url }) => url.includes('/src/'))
    return ours.flatMap(({ scriptId, functions }) =>
      functions.flatMap(({ ranges }) =>
        ranges
          .filter(({ count }) => count > 0)
          .map(({ startOffset, endOffset }) => `${scriptId}:${startOffset}-${endOffset}`),
      ),
    )
  }
  const newOnes = async (): Promise<readonly string[]> =>
    (await blocks()).filter((block) => !seen.has(block))
  return {
    newBlockCount: async () => {
      const found = await newOnes()
      for (const block of found) seen.add(block)
      return found.length
    },
    peek: async () => (await newOnes()).length,
    reset: async () => void (await blocks()),
    [Symbol.asyncDispose]: async () => {
      await session.post('Profiler.stopPreciseCoverage')
      session.disconnect()
    },
  }
}

function random(below: number): number {
  return Math.floor(Math.random() * below)
}

function pick<Item>(items: readonly Item[]): Item {
  const item = items[random(items.length)]
  if (item === undefined) throw new Error('nothing to choose from')
  return item
}

/** One to four small changes. */
function mutate(parent: Buffer, target: FuzzTarget, pool: readonly Buffer[]): Buffer {
  let bytes = parent
  for (let left = 1 + random(4); left > 0; left -= 1) {
    const from = random(bytes.length + 1)
    const to = Math.min(bytes.length, from + random(8))
    const [head, tail] = [bytes.subarray(0, from), bytes.subarray(random(2) === 0 ? from : to)]
    bytes = Buffer.concat([head, insertion(target, pool), tail]).subarray(0, maxBytes)
  }
  return bytes
}

/** A word, some bytes, a piece of another input, or nothing. */
function insertion(target: FuzzTarget, pool: readonly Buffer[]): Buffer {
  switch (random(4)) {
    case 0:
      return Buffer.from(pick(target.words), 'latin1')
    case 1:
      return Buffer.from([random(256)])
    case 2: {
      const other = pick(pool)
      const from = random(other.length + 1)
      return other.subarray(from, from + random(40))
    }
    default:
      return Buffer.alloc(0)
  }
}
