// Senders whose returns are caught, and the wait for what comes back during a run.

import { localPartOf, type CaughtRun, type CaughtToken } from '#catcher/catcher.ts'
import type { MailOutcome, TokenUse } from '#catcher/catcher.ts'
import { freshSender } from '#compliance/addresses.ts'
import type { CheckContext } from '#compliance/check.ts'
import type { Excerpt } from '#compliance/transcript.ts'

/** The catcher as a run sees it. Everything is durable on return, and throws when the store cannot be used. */
export interface Catching {
  /** A-label of the senders. */
  readonly domain: string
  readonly run: string
  /** Stands in the plain test mail. */
  readonly code: string
  /** A new sender, `local@domain`. */
  readonly issue: (use: TokenUse) => string
  readonly settle: (sender: string, outcome: MailOutcome) => void
  /** What has come back by now. */
  readonly look: () => CaughtRun
}

/** And what was said when its mails were sent, by sender. */
export interface RunCatching extends Catching {
  readonly seen: Map<string, Excerpt>
}

/** Its sender. */
export function addressOf({ domain }: Pick<Catching, 'domain'>, { token }: CaughtToken): string {
  return `${localPartOf(token)}@${domain}`
}

/** How often is looked. */
const lookEveryMs = 500

/** A sender nobody has met; with a catcher, one whose returns are kept. */
export function issueSender(
  { catching, checkId, prober }: CheckContext,
  use: Omit<TokenUse, 'check'> & { readonly check?: string },
): string {
  if (catching === null) return freshSender(prober.senderDomain)
  return catching.issue({ check: checkId, ...use })
}

/**
 * Waits at most `waitMs` for what comes back. Ends early when nothing can come, or something has come for every mail
 * that was accepted.
 */
export async function awaitReturns(
  catching: Catching,
  waitMs: number,
  { sleep, now }: Pick<CheckContext, 'sleep' | 'now'>,
): Promise<CaughtRun> {
  const endMs = now() + waitMs
  for (;;) {
    const run = catching.look()
    const isOpen = run.tokens.some(
      ({ outcome, returns }) =>
        (outcome === 'accepted' || outcome === 'unclear') &&
        !returns.some(({ returned }) => returned.kind === 'report' || returned.kind === 'bounce'),
    )
    if (!isOpen || now() >= endMs || !(await sleep(Math.min(lookEveryMs, waitMs)))) return run
  }
}
