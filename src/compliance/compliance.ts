// Does a mail server meet the requirements for being served, and if not, what has to be changed? The door:
// what is asked for, what comes out, and the way from one to the other.

import type { Clock } from '#base/clock.ts'
import type { Check, Finding, FindingKind } from './check.ts'
import type { TlsaAnswer } from './dane.ts'
import type { Recognition } from './mta/recognise.ts'
import type { ProductionRecord } from './production.ts'
import type { Profile } from './profile.ts'
import type { Catching } from './returns/catching.ts'
import type { Target } from './target.ts'
import type { Transcript } from './transcript.ts'

export { catalogue } from './catalogue.ts'
export { isCheap } from './check.ts'
export type {
  Check,
  CheckContext,
  Finding,
  FindingKind,
  Need,
  Phase,
  Remedy,
  Severity,
} from './check.ts'
export type { TlsaAnswer } from './dane.ts'
export type { Profile } from './profile.ts'
export { runChecks } from './run-checks.ts'
export { resolveTarget, type Target, type TargetRequest, type Vantage } from './target.ts'
export type { Catching } from './returns/catching.ts'
export type { TargetGuard } from './target-guard.ts'
export type { Language, Text } from './text.ts'
export type { Excerpt, Transcript, TranscriptLine } from './transcript.ts'

export interface CheckLimits {
  readonly connectTimeoutMs: number
  readonly replyTimeoutMs: number
  /** Connections to the server at a time. */
  readonly maxConnections: number
  /** Before a first contact that failed is tried again. */
  readonly retryPauseMs: number
  /** Between the beginnings of two connections, at least. */
  readonly connectGapMs: number
  /** Between two questions about a recipient, at least. */
  readonly recipientGapMs: number
  /** Of the whole run. */
  readonly runTimeoutMs: number
  /** How long a run may wait for a server that says "later", in all. */
  readonly patienceMs: number
  /** How long a run waits for what comes back, when there is a catcher. */
  readonly returnWaitMs: number
}

/** Polite and quick enough: a healthy server is examined in some ten seconds. */
export const defaultLimits: CheckLimits = {
  connectTimeoutMs: 10_000,
  replyTimeoutMs: 30_000,
  maxConnections: 20,
  retryPauseMs: 2000,
  connectGapMs: 20,
  recipientGapMs: 20,
  runTimeoutMs: 10 * 60_000,
  patienceMs: 70_000,
  returnWaitMs: 60_000,
}

export interface RunOptions {
  readonly target: Target
  readonly checks: readonly Check[]
  /** What we call ourselves in EHLO: the relay's own name. */
  readonly helloName: string
  /** Domain of the senders of questions. */
  readonly senderDomain: string
  /** PEM; null: those of the system. */
  readonly ca: readonly string[] | null
  readonly limits: CheckLimits
  readonly clock: Clock
  /** Asks for the TLSA records at that name; never rejects. Absent: nobody can be asked. */
  readonly lookUpTlsa?: (name: string, signal: AbortSignal) => Promise<TlsaAnswer>
  /** The tester has confirmed that test mails may go to the first existing address. */
  readonly maySend: boolean
  /** Catches what comes back; its domain is the senders'. Absent: nobody does. */
  readonly catching?: Catching | null
  /** What a relay has counted of real mail. Absent: no relay was named. */
  readonly production?: readonly ProductionRecord[] | null
  /** Aborted: the run ends soon, with what is known so far. */
  readonly signal: AbortSignal
  readonly emit: (event: RunEvent) => void
}

export type RunEvent =
  | {
      readonly kind: 'check-started'
      readonly check: Check
      readonly index: number
      readonly count: number
    }
  | { readonly kind: 'check-finished'; readonly outcome: Outcome }

/** One check and what it found. */
export interface Outcome {
  readonly check: Check
  readonly finding: Finding
  readonly ms: number
}

export interface Report {
  readonly target: Target
  readonly startedAtMs: number
  readonly ms: number
  /** False: stopped before the end. */
  readonly isComplete: boolean
  /** In the order of the catalogue. */
  readonly outcomes: readonly Outcome[]
  readonly transcripts: readonly Transcript[]
  readonly recognition: Recognition
  readonly profile: Profile
}

/** Counts of the outcomes that matter for serving: those of severity `must`, after lenience. */
export function countMusts(report: Report): Readonly<Record<FindingKind, number>> {
  const counts = { met: 0, violated: 0, undetermined: 0, 'not-applicable': 0 }
  for (const { check, finding } of report.outcomes) {
    if ((finding.severity ?? check.severity) === 'must') counts[finding.kind] += 1
  }
  return counts
}
