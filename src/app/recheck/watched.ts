// What is looked at again: the server of a domain, and its DNS, each if it was examined and saved.

import { listProfiles, loadProfile, type SavedProfile } from '#compliance/profile-store.ts'
import { listZones, loadZone, type SavedZone } from '#compliance/zone-store.ts'
import type { Watch } from '#compliance/recheck.ts'

export interface Watched {
  readonly watch: Watch
  /** A-label. */
  readonly domain: string
}

export type Saved = SavedProfile | SavedZone

export async function listWatched(folder: string): Promise<readonly Watched[]> {
  const [servers, zones] = [await listProfiles(folder), await listZones(folder)]
  return [
    ...servers.map((domain) => ({ watch: 'server' as const, domain })),
    ...zones.map((domain) => ({ watch: 'zone' as const, domain })),
  ]
}

/** Null: it was not saved. */
export async function loadSaved(folder: string, watched: Watched): Promise<Saved | null> {
  return watched.watch === 'server'
    ? await loadProfile(folder, watched.domain)
    : await loadZone(folder, watched.domain)
}

export function isZone(saved: Saved): saved is SavedZone {
  return saved.asked !== null && 'relays' in saved.asked
}
