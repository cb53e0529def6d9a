// From a report to what the relay obeys: only what the run has found out, and what an earlier one has where
// this one did not look.

import type { MeasuredProfile, ServerProfile } from '#registry/registry.ts'
import { unknownProfile } from '#registry/server-profile.ts'
import type { FindingKind } from './check.ts'
import type { Report } from './compliance.ts'
import { relaySizeLimit } from './profile-store.ts'
import type { Profile } from './profile.ts'

/** What is judged of one run. */
interface Run {
  readonly profile: Profile
  readonly before: ServerProfile
  /** Of the check of that id; undefined: it did not run. */
  readonly verdict: (id: string) => FindingKind | undefined
  readonly subtype: (id: string) => string | null
}

/** Filters of different kinds: with all of them met the server is not one that refuses content. */
const filterChecks = ['data-clean', 'data-spam', 'data-virus', 'data-attachment']

/** `before`: of an earlier run, or null; it counts when it was of the same server. */
export function measuredProfile(report: Report, before: MeasuredProfile | null): MeasuredProfile {
  const server = `${report.target.host}:${report.target.port}`
  const findings = new Map(report.outcomes.map(({ check, finding }) => [check.id, finding]))
  const run: Run = {
    profile: report.profile,
    before: before?.server === server ? before.profile : unknownProfile,
    verdict: (id) => findings.get(id)?.kind,
    subtype: (id) => findings.get(id)?.subtype ?? null,
  }
  const earlier = before?.server === server ? (before.maxRefusalsPerConnection ?? null) : null
  return {
    server,
    atMs: report.startedAtMs,
    profile: profileOf(run),
    maxRefusalsPerConnection: refusalsPerConnection(run, earlier),
  }
}

function profileOf(run: Run): ServerProfile {
  const { profile, before, verdict } = run
  return {
    maxMessageBytes:
      profile.maxMessageBytes === undefined ? before.maxMessageBytes : relaySizeLimit(profile),
    takesSmtpUtf8: profile.isSmtpUtf8 ?? before.takesSmtpUtf8,
    takes8BitMime: takes8BitMime(run),
    maxConnectionCount:
      profile.maxConnections ??
      (verdict('no-rate-limit-connections') === 'met' ? null : before.maxConnectionCount),
    maxMailsPerConnection: mailsPerConnection(run),
    calloutSender: profile.calloutSender ?? before.calloutSender,
    refusesAtData:
      profile.refusesAtData ??
      (filterChecks.every((id) => verdict(id) === 'met') ? null : before.refusesAtData),
    maxLineBytes: maxLineBytes(run),
  }
}

/** A missing keyword alone says nothing: nearly all servers take such content without it. */
function takes8BitMime({ profile, before, verdict, subtype }: Run): boolean | null {
  if (profile.isEightBitMime === true) return true
  if (verdict('data-8bit') === 'met') return null
  const isRefused = verdict('data-clean') === 'met' && subtype('data-8bit') === 'data-rejection'
  if (profile.isEightBitMime === false && isRefused) return false
  return before.takes8BitMime === true ? null : before.takes8BitMime
}

function mailsPerConnection({ profile, before, verdict }: Run): number | null {
  const { mailsPerConnection: count } = profile
  if (count !== undefined) return count >= 1 ? count : null
  const isUnlimited =
    verdict('session-reuse') === 'met' && verdict('no-rate-limit-messages') === 'met'
  return isUnlimited ? null : before.maxMailsPerConnection
}

/** A server that refuses any content says nothing about lines. */
function maxLineBytes({ profile, before, verdict }: Run): number | null {
  if (verdict('data-long-line') === 'met') return null
  const isMeasured = profile.maxLineBytes !== undefined && verdict('data-clean') === 'met'
  return isMeasured ? (profile.maxLineBytes ?? null) : before.maxLineBytes
}

/** One less than what was too much. Slowed down only is no reason: the usual limit is for that. */
function refusalsPerConnection({ profile, verdict }: Run, earlier: number | null): number | null {
  const { calloutErrorsPerConnection: count } = profile
  const found = verdict('rcpt-order-independence')
  if (found === 'met') return null
  return found === 'violated' && count !== undefined ? Math.max(1, count - 1) : earlier
}
