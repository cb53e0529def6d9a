// What was seen of the DNS of served domains, kept between runs: one file a domain in the state folder.

import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { replacePrivately } from '#base/private-file.ts'
import type { NameServer } from '#dns/query.ts'
import type { Report } from './compliance.ts'
import type { Baseline } from './recheck.ts'

export interface SavedZone extends Baseline {
  /** How the DNS was asked. */
  readonly asked: {
    readonly relays: readonly [string, ...string[]]
    /** Null: that of the relay's configuration. */
    readonly resolver: NameServer | null
    readonly nameServers: readonly NameServer[]
    readonly policyServer: NameServer | null
    /** Absolute path of a PEM file of further authorities. */
    readonly caFile: string | null
  }
}

export function savedZoneOf(report: Report, asked: SavedZone['asked']): SavedZone {
  return {
    domain: report.target.host,
    server: 'DNS',
    measuredAtMs: report.startedAtMs,
    verdicts: Object.fromEntries(
      report.outcomes.map(({ check, finding }) => [check.id, finding.kind]),
    ),
    asked,
  }
}

/** Whole or not at all. Rejects with the system's error. */
export async function saveZone(folder: string, saved: SavedZone): Promise<void> {
  const text = `${JSON.stringify(saved, null, 2)}\n`
  await replacePrivately(zonesFolder(folder), `${saved.domain}.json`, text)
}

/** Null: never looked at, or the file cannot be understood, which is the same. */
export async function loadZone(folder: string, domain: string): Promise<SavedZone | null> {
  try {
    const value: unknown = JSON.parse(await readFile(fileOf(folder, domain), 'utf8'))
    return isSavedZone(value) ? value : null
  } catch {
    return null
  }
}

export async function listZones(folder: string): Promise<readonly string[]> {
  const names = await readdir(zonesFolder(folder)).catch(() => [])
  return names.flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : []))
}

/** Of a domain that is not served any more. */
export async function forgetZone(folder: string, domain: string): Promise<void> {
  await rm(fileOf(folder, domain), { force: true })
}

/** A domain is an A-label, so it is a file name as it is. */
function fileOf(folder: string, domain: string): string {
  return path.join(zonesFolder(folder), `${domain}.json`)
}

function zonesFolder(folder: string): string {
  return path.join(folder, 'zones')
}

function isSavedZone(value: unknown): value is SavedZone {
  if (typeof value !== 'object' || value === null) return false
  const { domain, server, measuredAtMs, verdicts, asked } = value as Partial<SavedZone>
  const hasTexts = typeof domain === 'string' && typeof server === 'string'
  if (!hasTexts || typeof verdicts !== 'object' || !Number.isFinite(measuredAtMs)) return false
  const lists = [asked?.relays, asked?.nameServers]
  return lists.every((list) => Array.isArray(list)) && (asked?.relays.length ?? 0) > 0
}
