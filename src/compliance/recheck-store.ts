// What was seen at the last looks, kept between them: one file a domain in the state folder.

import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { replacePrivately } from '#base/private-file.ts'
import type { RecheckState, Watch } from './recheck.ts'

const folders: Readonly<Record<Watch, string>> = { server: 'rechecks', zone: 'zone-rechecks' }

/** Rejects with the system's error. */
export async function saveRecheck(
  folder: string,
  watch: Watch,
  state: RecheckState,
): Promise<void> {
  const text = `${JSON.stringify(state, null, 2)}\n`
  await replacePrivately(path.join(folder, folders[watch]), `${state.domain}.json`, text)
}

/** Null: never looked again, or the file cannot be understood, which is the same. */
export async function loadRecheck(
  folder: string,
  watch: Watch,
  domain: string,
): Promise<RecheckState | null> {
  try {
    const value: unknown = JSON.parse(await readFile(fileOf(folder, watch, domain), 'utf8'))
    return isRecheckState(value, domain) ? value : null
  } catch {
    return null
  }
}

/** Of a domain that is not served any more. */
export async function forgetRechecks(folder: string, domain: string): Promise<void> {
  await rm(fileOf(folder, 'server', domain), { force: true })
  await rm(fileOf(folder, 'zone', domain), { force: true })
}

/** A domain is an A-label, so it is a file name as it is. */
function fileOf(folder: string, watch: Watch, domain: string): string {
  return path.join(folder, folders[watch], `${domain}.json`)
}

function isRecheckState(value: unknown, name: string): value is RecheckState {
  if (typeof value !== 'object' || value === null) return false
  const { domain, measuredAtMs, verdicts, suspicions, changes, last, nextAtMs } =
    value as Partial<RecheckState>
  const hasTimes = Number.isFinite(measuredAtMs) && (nextAtMs === null || Number.isFinite(nextAtMs))
  const hasLists = Array.isArray(suspicions) && Array.isArray(changes)
  const hasObjects = typeof verdicts === 'object' && verdicts !== null && typeof last === 'object'
  return domain === name && hasTimes && hasLists && hasObjects
}
