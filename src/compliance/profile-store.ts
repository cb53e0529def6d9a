// What was measured of the servers of served domains, kept between runs: one file a domain in the state folder.

import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { replacePrivately } from '#base/private-file.ts'
import type { Report } from './compliance.ts'
import type { FindingKind } from './check.ts'
import type { Profile } from './profile.ts'
import { headroomBytes, requiredBytes } from './sizes.ts'

/** How the server was asked: asked again in the same way, another verdict is the server's doing. */
export interface AskedWith {
  /** Those of the run, when it was about addresses of several domains; random addresses are of the first. */
  readonly domains: readonly string[]
  /** Nominated addresses, of this domain if there are any: personal data, kept for nothing else. */
  readonly existing: readonly string[]
  readonly unknown: readonly string[]
  readonly sources: readonly string[]
  readonly helloName: string
  readonly senderDomain: string
  /** Absolute path of a PEM file of further authorities. */
  readonly caFile: string | null
}

export interface SavedProfile {
  readonly domain: string
  /** `mail.inst.example:25` */
  readonly server: string
  readonly measuredAtMs: number
  readonly profile: Profile
  /** By the id of the check. */
  readonly verdicts: Readonly<Record<string, FindingKind>>
  /** Null: saved by an older version; such a server cannot be asked again. */
  readonly asked: AskedWith | null
  /** Of the run whose test mails it is of, as the catcher names it; null or absent: nobody caught what came back. */
  readonly run?: string | null
}

export function savedProfileOf(
  report: Report,
  domain: string,
  {
    run,
    ...how
  }: Pick<AskedWith, 'helloName' | 'senderDomain' | 'caFile'> & Pick<SavedProfile, 'run'>,
): SavedProfile {
  return {
    domain,
    server: `${report.target.host}:${report.target.port}`,
    measuredAtMs: report.startedAtMs,
    profile: report.profile,
    verdicts: Object.fromEntries(
      report.outcomes.map(({ check, finding }) => [check.id, finding.kind]),
    ),
    asked: { ...nominated(report.target, domain), sources: report.target.sources, ...how },
    ...(run !== undefined && { run }),
  }
}

/** No more than the checks need to be asked again as they were. */
function nominated(
  { domains, existing, unknown }: Report['target'],
  domain: string,
): Pick<AskedWith, 'domains' | 'existing' | 'unknown'> {
  const isOwn = (address: string): boolean => address.endsWith(`@${domain}`)
  if (!existing.some(isOwn)) return { domains, existing, unknown }
  return { domains: [domain], existing: existing.filter(isOwn), unknown: unknown.filter(isOwn) }
}

/** Whole or not at all: a new file takes the old one's place. Rejects with the system's error. */
export async function saveProfile(folder: string, saved: SavedProfile): Promise<void> {
  await replacePrivately(
    profilesFolder(folder),
    `${saved.domain}.json`,
    `${JSON.stringify(saved, null, 2)}
`,
  )
}

/** Of a domain that is not served any more. */
export async function forgetProfile(folder: string, domain: string): Promise<void> {
  await rm(fileOf(folder, domain), { force: true })
}

/** Domains with a file; none when there is no folder. */
export async function listProfiles(folder: string): Promise<readonly string[]> {
  const names = await readdir(profilesFolder(folder)).catch(() => [])
  return names.flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : []))
}

/** Null: never measured, or the file cannot be understood, which is the same. */
export async function loadProfile(folder: string, domain: string): Promise<SavedProfile | null> {
  try {
    const value: unknown = JSON.parse(await readFile(fileOf(folder, domain), 'utf8'))
    return isSavedProfile(value)
      ? { ...value, asked: isAskedWith(value.asked) ? value.asked : null }
      : null
  } catch {
    return null
  }
}

/**
 * The largest mail the relay may accept for such a server, its own header lines already taken off; null: the
 * relay's own limit will do.
 */
export function relaySizeLimit({ maxMessageBytes }: Profile): number | null {
  if (maxMessageBytes === undefined || maxMessageBytes === 0) return null
  const limit = maxMessageBytes - headroomBytes
  return limit >= requiredBytes ? null : Math.max(headroomBytes, limit)
}

/** A domain is an A-label, so it is a file name as it is. */
function fileOf(folder: string, domain: string): string {
  return path.join(profilesFolder(folder), `${domain}.json`)
}

function profilesFolder(folder: string): string {
  return path.join(folder, 'profiles')
}

function isAskedWith(value: unknown): value is AskedWith {
  if (typeof value !== 'object' || value === null) return false
  const { domains, existing, unknown, sources, helloName, senderDomain, caFile } =
    value as Partial<AskedWith>
  const areTexts = [domains, existing, unknown, sources].every(
    (list) => Array.isArray(list) && list.every((each) => typeof each === 'string'),
  )
  const areNames = typeof helloName === 'string' && typeof senderDomain === 'string'
  return areTexts && areNames && (caFile === null || typeof caFile === 'string')
}

function isSavedProfile(value: unknown): value is SavedProfile {
  if (typeof value !== 'object' || value === null) return false
  const {
    domain,
    server,
    measuredAtMs,
    profile,
    verdicts,
    run = null,
  } = value as Partial<SavedProfile>
  const hasTexts = typeof domain === 'string' && typeof server === 'string'
  const hasObjects = typeof profile === 'object' && typeof verdicts === 'object'
  const isRun = run === null || typeof run === 'string'
  return hasTexts && hasObjects && isRun && Number.isFinite(measuredAtMs)
}
