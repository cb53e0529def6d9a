// Whether a spool kept its word in a run of the driver that met with a mishap.

import { faultsOf, type Fault } from './expectation.ts'
import type { CallSite, DriverRun, Mishap } from './failing-calls.ts'
import { recoverSpool } from './recovered-spool.ts'
import { numbered, type SpoolPlan } from './spool-plan.ts'
import { answersOf } from './words.ts'

/** Everything that is wrong, one line each. `state` is what the run left behind. */
export async function judgeRun(
  plan: SpoolPlan,
  run: DriverRun,
  { site, mishap }: { readonly site: CallSite; readonly mishap: Mishap },
  state: string,
): Promise<readonly string[]> {
  const where = `${mishap} at ${site.name} ${site.count} of ${site.path === '' ? 'the state' : site.path}`
  const faults = [...faultsOfRun(plan, run, mishap), ...(await faultsOfSpool(plan, run, state))]
  return faults.map((fault) => `${where}: ${fault}`)
}

function faultsOfRun(plan: SpoolPlan, run: DriverRun, mishap: Mishap): readonly string[] {
  const { words, exitCode, signal, stderr } = run
  if (mishap === 'SIGKILL') return signal === 'SIGKILL' || !run.isHit ? [] : ['was not killed']
  if (exitCode !== 0) return [`the driver ended with ${exitCode ?? signal ?? ''}: ${stderr}`]
  const foreign = words.find((word) => 'detail' in word && word.detail.startsWith('fault:'))
  if (foreign !== undefined) return [`not a SpoolError: ${JSON.stringify(foreign)}`]
  // A disk that fails for good leaves nothing to expect but that nothing is promised.
  if (mishap === 'EIO for good') return []
  const failed = words.findIndex((word) => 'detail' in word && /^(?:io|damaged):/.test(word.detail))
  const goesOn = words
    .slice(failed + 1)
    .some(({ kind }) => kind === 'recovered' || kind === 'opened')
  const hasGivenUp = words.some(({ kind }) => kind === 'gave-up')
  if (failed >= 0 && !goesOn && !hasGivenUp) return ['the disk failed, and the spool did not stop']
  // What was hit may be the last operation itself; then the one before was taken.
  const count = numbered(plan).length
  const answers = answersOf(words)
  const isAtWork = answers.get(count - 1) === 'done' || answers.get(count - 2) === 'done'
  return isAtWork || hasGivenUp ? [] : ['the spool takes nothing afterwards']
}

async function faultsOfSpool(
  plan: SpoolPlan,
  run: DriverRun,
  state: string,
): Promise<readonly string[]> {
  try {
    const { entries, unreadable, events } = await recoverSpool(state)
    const faults: readonly Fault[] = faultsOf(plan, answersOf(run.words), entries)
    const damaged = events.filter(({ kind }) => kind === 'spool-salvaged')
    return [
      ...faults.map(({ kind, detail }) => `${kind}: ${detail}`),
      ...unreadable.map((id) => `${id} is not given`),
      ...damaged.map((event) => JSON.stringify(event)),
    ]
  } catch (error) {
    return [`the spool cannot be opened afterwards: ${String(error)}`]
  }
}
