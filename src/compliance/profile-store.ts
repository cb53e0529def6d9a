// What was measured of the servers of served domains, kept between runs: one file a domain in the state folder.

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Report } from './compliance.ts'
import type { FindingKind } from './check.ts'
import type { Profile } from './profile.ts'
import { headroomBytes, requiredBytes } from './sizes.ts'

export interface SavedProfile {
  readonly domain: string
  /** `mail.inst.example:25` */
  readonly server: string
  readonly measuredAtMs: number
  readonly profile: Profile
  /** By the id of the check. */
  readonly verdicts: Readonly<Record<string, FindingKind>>
}

export function savedProfileOf(report: Report, domain: string): SavedProfile {
  return {
    domain,
    server: `${report.target.host}:${report.target.port}`,
    measuredAtMs: report.startedAtMs,
    profile: report.profile,
    verdicts: Object.fromEntries(
      report.outcomes.map(({ check, finding }) => [check.id, finding.kind]),
    ),
  }
}

/** Whole or not at all: a new file takes the old one's place. Rejects with the system's error. */
export async function saveProfile(folder: string, saved: SavedProfile): Promise<void> {
  const file = fileOf(folder, saved.domain)
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.new`, `${JSON.stringify(saved, null, 2)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** Null: never measured, or the file cannot be understood, which is the same. */
export async function loadProfile(folder: string, domain: string): Promise<SavedProfile | null> {
  try {
    const value: unknown = JSON.parse(await readFile(fileOf(folder, domain), 'utf8'))
    return isSavedProfile(value) ? value : null
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
  return path.join(folder, 'profiles', `${domain}.json`)
}

function isSavedProfile(value: unknown): value is SavedProfile {
  if (typeof value !== 'object' || value === null) return false
  const { domain, server, measuredAtMs, profile, verdicts } = value as Partial<SavedProfile>
  const hasTexts = typeof domain === 'string' && typeof server === 'string'
  const hasObjects = typeof profile === 'object' && typeof verdicts === 'object'
  return hasTexts && hasObjects && Number.isFinite(measuredAtMs)
}
