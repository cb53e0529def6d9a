// What the relay has counted of late refusals, kept between its runs: one file a domain in the state folder, and
// one that says since when it counts.

import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { replacePrivately } from '#base/private-file.ts'
import type { Counting, LateRefusalState } from './production.ts'

const folderName = 'late-refusals'
/** No domain begins with a dot. */
const countingName = '.counting'

/** Rejects with the system's error, as the next ones. */
export async function saveRefusals(folder: string, state: LateRefusalState): Promise<void> {
  await replacePrivately(path.join(folder, folderName), `${state.domain}.json`, textOf(state))
}

export async function saveCounting(folder: string, counting: Counting): Promise<void> {
  await replacePrivately(path.join(folder, folderName), countingName, textOf(counting))
}

export async function forgetRefusals(folder: string, domain: string): Promise<void> {
  await rm(fileOf(folder, `${domain}.json`), { force: true })
}

/** Null: none were seen, or the file cannot be understood, which is the same. */
export async function loadRefusals(
  folder: string,
  domain: string,
): Promise<LateRefusalState | null> {
  const value = await readJson(fileOf(folder, `${domain}.json`))
  return isRefusalState(value) && value.domain === domain ? value : null
}

/** Null: no relay has ever counted there. */
export async function loadCounting(folder: string): Promise<Counting | null> {
  const value = await readJson(fileOf(folder, countingName))
  if (typeof value !== 'object' || value === null) return null
  const { sinceMs, aliveAtMs } = value as Partial<Counting>
  return Number.isFinite(sinceMs) && Number.isFinite(aliveAtMs) ? (value as Counting) : null
}

/** Domains with a file. */
export async function listRefusals(folder: string): Promise<readonly string[]> {
  const names = await readdir(path.join(folder, folderName)).catch(() => [])
  return names.flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : []))
}

/** A domain is an A-label, so it is a file name as it is. */
function fileOf(folder: string, name: string): string {
  return path.join(folder, folderName, name)
}

function textOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return null
  }
}

function isRefusalState(value: unknown): value is LateRefusalState {
  if (typeof value !== 'object' || value === null) return false
  const { domain, routeId, hours, lastRecipientsMs, examples, degraded } =
    value as Partial<LateRefusalState>
  const hasTexts = typeof domain === 'string' && typeof routeId === 'string'
  const hasLists = Array.isArray(hours) && Array.isArray(lastRecipientsMs)
  const hasExamples = typeof examples === 'object' && examples !== null
  const isState =
    degraded === null || (Number.isFinite(degraded?.sinceMs) && Number.isFinite(degraded?.lastAtMs))
  return hasTexts && hasLists && hasExamples && isState
}
