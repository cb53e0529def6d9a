// What has come back after a run was saved changes its verdicts, as a look that saw something else would.

import type { CaughtRun } from '#catcher/catcher.ts'
import { catalogue } from '#compliance/catalogue.ts'
import type { FindingKind } from '#compliance/check.ts'
import type { RecheckState, SeenVerdict, VerdictChange } from '#compliance/recheck.ts'
import { returnJudges, type ReturnCheckId } from './judge-returns.ts'

/**
 * The same object when nothing has. What came back is seen once and for good: there is nothing to confirm. A bounce is
 * never taken back, and silence changes nothing.
 */
export function withLateReturns(state: RecheckState, run: CaughtRun, nowMs: number): RecheckState {
  const changes = lateVerdicts(run).flatMap((seen): readonly VerdictChange[] => {
    const was = state.verdicts[seen.check]
    return was !== undefined && isNews(was, seen.verdict)
      ? [{ ...seen, was, atMs: lastAtMs(run) ?? nowMs, isTold: false }]
      : []
  })
  if (changes.length === 0) return state
  return {
    ...state,
    verdicts: {
      ...state.verdicts,
      ...Object.fromEntries(changes.map(({ check, verdict }) => [check, verdict])),
    },
    changes: [...state.changes, ...changes].slice(-50),
  }
}

function isNews(was: FindingKind, is: FindingKind): boolean {
  if (is === 'violated') return was !== 'violated'
  return is === 'met' && was === 'undetermined'
}

function lateVerdicts(run: CaughtRun): readonly SeenVerdict[] {
  const ids = Object.keys(returnJudges) as readonly ReturnCheckId[]
  return ids.flatMap((id) => {
    const { finding } = returnJudges[id](run)
    const seen = { verdict: finding.kind, severity: finding.severity, summary: finding.summary }
    // Accepting mail for nobody and bouncing it is what that check is about too.
    const isOfBoth = id === 'no-backscatter-unknown' && finding.kind === 'violated'
    return [id, ...(isOfBoth ? ['rcpt-late-rejection'] : [])].flatMap((check) => {
      const found = catalogue.find((each) => each.id === check)
      return found === undefined
        ? []
        : [{ ...seen, check, title: found.title, severity: seen.severity ?? found.severity }]
    })
  })
}

function lastAtMs({ tokens }: CaughtRun): number | null {
  const times = tokens.flatMap(({ returns }) => returns.map(({ atMs }) => atMs))
  return times.length === 0 ? null : Math.max(...times)
}
