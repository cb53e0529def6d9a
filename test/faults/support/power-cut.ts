// Cuts the power of a recorded run after each of its operations, opens what the disk may hold then, and
// compares that with what had been promised by then.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { Disk, imageKey, nothingSurvives, writeImage } from './disk.ts'
import type { DiskImage, DiskOptions, Survival } from './disk.ts'
import type { Fault } from './expectation.ts'
import type { FileOperation } from './file-operations.ts'
import type { Random } from './random.ts'
import { recoverSpool, type RecoveredSpool } from './recovered-spool.ts'

export interface PowerCutOptions {
  /** What is wrong with a spool, given everything that had been said when the power failed. */
  readonly judge: (said: readonly string[], found: RecoveredSpool) => readonly Fault[]
  /** What was done to the folder above `spool`. */
  readonly operations: readonly FileOperation[]
  readonly disk: DiskOptions
  /** How many times each moment is repeated with chance deciding what of the unsynced survived. */
  readonly variantCount: number
  readonly random: Random
  /** For the folders that are opened; a file system in memory is quickest. */
  readonly workFolder: string
  /** The database has been harmed, so it may be salvaged. */
  readonly maySalvage?: boolean
  /** Stop at the first fault: enough to show that there is one. */
  readonly isFirstEnough?: boolean
  /** Moments (numbers of operations that have ended) where chance has its turn; default: all. */
  readonly isChancy?: (moment: number) => boolean
}

export interface CutFault extends Fault {
  /** How many operations had ended. */
  readonly moment: number
  readonly variant: string
}

export interface PowerCutReport {
  readonly momentCount: number
  /** Different contents of the disk; each was opened once. */
  readonly imageCount: number
  /** Pairs of a disk and of what had been promised. */
  readonly comparisonCount: number
  readonly faults: readonly CutFault[]
}

export async function cutEverywhere(options: PowerCutOptions): Promise<PowerCutReport> {
  const { operations, disk: diskOptions, variantCount, random } = options
  const judge = new Judge(options)
  const disk = new Disk(diskOptions)
  let momentCount = 0
  for (let moment = 0; moment <= operations.length; moment += 1) {
    const last = operations[moment - 1]
    if (last !== undefined) disk.apply(last)
    momentCount += 1
    await judge.compare(moment, 'nothing', disk.image(nothingSurvives))
    const chances = options.isChancy?.(moment) === false ? 0 : variantCount
    for (let variant = 0; variant < chances; variant += 1) {
      const { name, survival } = chance(random, moment)
      await judge.compare(moment, name, disk.image(survival))
    }
    if (options.isFirstEnough === true && judge.faults.length > 0) break
  }
  const { imageCount, comparisonCount, faults } = judge
  return { momentCount, imageCount, comparisonCount, faults }
}

class Judge {
  readonly faults: CutFault[] = []
  comparisonCount = 0
  readonly #options: PowerCutOptions
  readonly #said: readonly Extract<FileOperation, { kind: 'said' }>[]
  readonly #recovered = new Map<string, RecoveredSpool | Error>()
  readonly #compared = new Set<string>()

  constructor(options: PowerCutOptions) {
    this.#options = options
    this.#said = options.operations.filter((operation) => operation.kind === 'said')
  }

  get imageCount(): number {
    return this.#recovered.size
  }

  async compare(moment: number, variant: string, image: DiskImage): Promise<void> {
    const key = imageKey(image)
    const said = this.#said.filter(({ begunAt }) => begunAt <= moment)
    const pair = `${key} ${said.length}`
    if (this.#compared.has(pair)) return
    this.#compared.add(pair)
    this.comparisonCount += 1
    const recovered = this.#recovered.get(key) ?? (await this.#recover(image))
    this.#recovered.set(key, recovered)
    const texts = said.map(({ text }) => text)
    const found = this.#faultsOf(recovered, texts)
    this.faults.push(...found.map((fault) => ({ ...fault, moment, variant })))
  }

  #faultsOf(recovered: RecoveredSpool | Error, said: readonly string[]): readonly Fault[] {
    if (recovered instanceof Error) return [{ kind: 'lost', detail: String(recovered) }]
    const { unreadable, events } = recovered
    const { maySalvage = false } = this.#options
    const salvaged = maySalvage ? [] : events.filter(({ kind }) => kind === 'spool-salvaged')
    return [
      ...this.#options.judge(said, recovered),
      ...unreadable.map((id) => ({ kind: 'wrong-content' as const, detail: `${id} is not given` })),
      ...salvaged.map((event) => ({ kind: 'damaged' as const, detail: JSON.stringify(event) })),
    ]
  }

  async #recover(image: DiskImage): Promise<RecoveredSpool | Error> {
    const state = mkdtempSync(path.join(this.#options.workFolder, 'cut-'))
    try {
      mkdirSync(state, { recursive: true })
      writeImage(state, image)
      return await recoverSpool(state)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    } finally {
      rmSync(state, { recursive: true, force: true })
    }
  }
}

/** What of the unsynced operations survives is decided once for each of them. */
function chance(
  random: Random,
  moment: number,
): { readonly name: string; readonly survival: Survival } {
  const decided = new Map<number, boolean>()
  const sectorBytes = random.pick([512, 4096])
  const share = random.pick([0.1, 0.5, 0.9, 1])
  const until = random.chance(0.5) ? random.between(0, moment) : Infinity
  const survives = (at: number): boolean => {
    const known = decided.get(at) ?? (at <= until && random.chance(share))
    decided.set(at, known)
    return known
  }
  const pieces = random.pick([0.3, 0.7, 1])
  return {
    name: `${share} of those before ${until}, ${pieces} of their pieces of ${sectorBytes} bytes`,
    survival: { survives, sectorBytes, pieceSurvives: () => random.chance(pieces) },
  }
}
