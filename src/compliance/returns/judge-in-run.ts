// The verdict on what has come back while a run lasts, with what was said when its mails were sent.

import type { CheckContext, Finding } from '#compliance/check.ts'
import type { Excerpt } from '#compliance/transcript.ts'
import { addressOf } from './catching.ts'
import { returnJudges, type ReturnCheckId } from './judge-returns.ts'

/** Waits with all others for what comes back. Only with a catcher. */
export async function judgeInRun(context: CheckContext, id: ReturnCheckId): Promise<Finding> {
  const run = await context.returns()
  const { catching } = context
  const { finding, tokens } = returnJudges[id](run)
  const evidence: readonly Excerpt[] =
    catching === null
      ? []
      : tokens.flatMap((each) => catching.seen.get(addressOf(catching, each)) ?? [])
  return { ...finding, evidence }
}
