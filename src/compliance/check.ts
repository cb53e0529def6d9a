// What a check is, what it may use, and what it finds.

import type { TlsaAnswer } from './dane.ts'
import type { Prober } from './dialog/prober.ts'
import type { Questions } from './dialog/questions.ts'
import type { CaughtRun } from '#catcher/catcher.ts'
import type { ProductionRecord } from './production.ts'
import type { Profile } from './profile.ts'
import type { SnippetTopic } from './mta/snippets.ts'
import type { RunCatching } from './returns/catching.ts'
import type { Target } from './target.ts'
import type { Text } from './text.ts'
import type { Excerpt } from './transcript.ts'

/** `must` decides whether a server may be served; `should` is advice; `info` is measured only. */
export type Severity = 'must' | 'should' | 'info'

/**
 * In this order. `connect`: greeting, EHLO, TLS. `recipients`: who is accepted. `policy`: what else is
 * refused before content. `content`: mail is sent, with consent only. `returns`: what came back of it.
 * `load`: last, because it may provoke limits that would disturb the others.
 */
export const phases = ['connect', 'recipients', 'policy', 'content', 'returns', 'load'] as const
export type Phase = (typeof phases)[number]

/**
 * What a check cannot do without. Without `existing` or `unknown` the finding is undetermined; without
 * the others the check does not apply. All but those of phase `connect` need a connection anyway.
 */
export type Need =
  | 'existing'
  | 'unknown'
  | 'send'
  | 'catcher'
  | 'second-source'
  | 'ipv4'
  | 'ipv6'
  | 'starttls'

export interface Check {
  /** Stable, in kebab case: people write it behind `--only`, pages link to it. */
  readonly id: string
  readonly title: Text
  /** What has to hold, one sentence. */
  readonly requirement: Text
  /** Where that comes from: `RFC 5321 §4.2`, `service requirement (c)`. */
  readonly source: string
  readonly severity: Severity
  readonly phase: Phase
  readonly needs: readonly Need[]
  /**
   * With leave to send, or with a catcher, it sees more than a question shows. What was violated there is
   * not in order because a mere question finds nothing.
   */
  readonly seesFurther?: true
  /** Never rejects because of the server: whatever it does is a finding. Ends soon after `signal`. */
  readonly run: (context: CheckContext) => Promise<Finding>
}

/**
 * May be run every day without asking anybody again: it contacts nobody but the server, sends no mail and
 * provokes no limits.
 */
export function isCheap({ phase, needs }: Pick<Check, 'phase' | 'needs'>): boolean {
  return phase !== 'content' && phase !== 'load' && !needs.includes('send')
}

export type FindingKind = 'met' | 'violated' | 'undetermined' | 'not-applicable'

export interface Finding {
  readonly kind: FindingKind
  /** Stable word for this sort of finding, such as `greylisting`; null when the kind says it all. */
  readonly subtype: string | null
  /** What was seen, one or two sentences. Words of the server in it are cleaned. */
  readonly summary: Text
  /** What to change; only for `violated`, and for `undetermined` when there is something to try. */
  readonly remedy: Remedy | null
  readonly evidence: readonly Excerpt[]
  /** Other evidence: certificates, times, names. Values are cleaned. */
  readonly facts: Readonly<Record<string, string>>
  /** What the relay has to know to serve this server. */
  readonly measured: Profile
  /** Less than the check's own, when this sort of finding is not as bad. */
  readonly severity?: Severity
}

export interface Remedy {
  readonly text: Text
  /** For each server program there may be a snippet of each topic. */
  readonly snippets: readonly SnippetTopic[]
}

export interface CheckContext {
  /** Of the check that runs. */
  readonly checkId: string
  readonly target: Target
  /** Connections. */
  readonly prober: Prober
  /** MAIL, RCPT, RSET on shared connections. */
  readonly questions: Questions
  /** Aborted at the deadline of the run, and when somebody stops it. */
  readonly signal: AbortSignal
  /** How long a check may wait in all for a server that says "later". */
  readonly patienceMs: number
  /** Checks that need `send` run too. */
  readonly maySend: boolean
  /** Null: nobody catches what comes back. */
  readonly catching: RunCatching | null
  /** What has come back, after a wait that all checks of the run share. Only with a catcher. */
  readonly returns: () => Promise<CaughtRun>
  /** False when `signal` ended it. */
  readonly sleep: (ms: number) => Promise<boolean>
  readonly now: () => number
  /** What a relay has counted of real mail, of each domain; null: no relay was named. */
  readonly production: readonly ProductionRecord[] | null
  /** TLSA records of the server, asked for once. */
  readonly tlsa: () => Promise<TlsaAnswer>
}

type Details = Partial<Omit<Finding, 'kind' | 'summary'>>

function finding(kind: FindingKind, summary: Text, details: Details): Finding {
  const none = { subtype: null, remedy: null, evidence: [], facts: {}, measured: {} }
  return { ...none, ...details, kind, summary }
}

export function met(summary: Text, details: Details = {}): Finding {
  return finding('met', summary, details)
}

export function violated(
  summary: Text,
  details: Details & { readonly remedy: Remedy; readonly subtype?: string },
): Finding {
  return finding('violated', summary, details)
}

export function undetermined(summary: Text, details: Details = {}): Finding {
  return finding('undetermined', summary, details)
}

export function notApplicable(summary: Text, details: Details = {}): Finding {
  return finding('not-applicable', summary, details)
}
