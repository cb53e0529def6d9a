// A domain that is not served any more: what was found out of its server and its DNS goes too, and with it the
// addresses that people have nominated.

import { forgetProfile } from '#compliance/profile-store.ts'
import { forgetRefusals } from '#compliance/production-store.ts'
import { forgetRechecks } from '#compliance/recheck-store.ts'
import { forgetZone } from '#compliance/zone-store.ts'

/** Rejects with the system's error. */
export async function forgetExamined(state: string, domain: string): Promise<void> {
  await forgetProfile(state, domain)
  await forgetZone(state, domain)
  await forgetRechecks(state, domain)
  await forgetRefusals(state, domain)
}
