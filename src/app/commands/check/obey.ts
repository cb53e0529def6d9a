// What was measured becomes what the relay obeys; every change is said aloud, and what was set by hand stays.

import { propertyText } from '#app/commands/domain/profile-rows.ts'
import { measuredProfile } from '#compliance/measured.ts'
import type { Report } from '#compliance/compliance.ts'
import type { Registry, ServedDomain, ServerProfile } from '#registry/registry.ts'
import { formatEndpoint } from '#registry/route.ts'
import { profileKeys, withMeasured, type ProfileKey } from '#registry/server-profile.ts'

/** Durable on return. Gives the lines to be told. */
export function obeyReport(
  report: Report,
  served: ServedDomain,
  registry: Pick<Registry, 'put'>,
  nowMs: number,
): readonly string[] {
  const measured = measuredProfile(report, served.measured)
  const next = withMeasured(served, measured)
  registry.put({ ...next, changedAtMs: nowMs })
  return [
    ...strangerText(report, served),
    ...profileKeys.flatMap((key) => changeText(key, served.profile, next.profile)),
    ...profileKeys.flatMap((key) => handText(key, next)),
    ...refusalsText(served, next),
  ].map((text) => `${served.domain}: ${text}`)
}

function changeText(
  key: ProfileKey,
  before: ServerProfile,
  after: ServerProfile,
): readonly string[] {
  if (before[key] === after[key]) return []
  const [was, is] = [limitText(key, before), limitText(key, after)]
  if (is !== null) return [`${is}, from now on`]
  return was === null ? [] : [`${was}: no longer`]
}

function refusalsText(before: ServedDomain, { measured }: ServedDomain): readonly string[] {
  const was = before.measured?.maxRefusalsPerConnection ?? null
  const is = measured?.maxRefusalsPerConnection ?? null
  if (was === is) return []
  return [
    is === null
      ? 'refused questions of a connection: the usual limit again'
      : `refused questions of a connection at most ${is}, from now on`,
  ]
}

function handText(key: ProfileKey, { byHand, measured }: ServedDomain): readonly string[] {
  if (byHand[key] === null || measured === null || measured.profile[key] === byHand[key]) return []
  const found = propertyText(key, measured.profile)
  return found === null
    ? []
    : [`${propertyText(key, byHand)}, set by hand, stays; measured: ${found}`]
}

/** Null where the relay does nothing else than usual. */
function limitText(key: ProfileKey, profile: ServerProfile): string | null {
  const value = profile[key]
  const isUsual =
    key === 'refusesAtData'
      ? value === false
      : key === 'calloutSender'
        ? value === 'null'
        : value === true
  return isUsual ? null : propertyText(key, profile)
}

/** Only where all places are known by name or address: MX records may lead anywhere. */
function strangerText(
  { target }: Report,
  { route, calloutRoute }: ServedDomain,
): readonly string[] {
  const places = [...route.endpoints, ...calloutRoute.endpoints]
  if (places.some(({ kind }) => kind === 'mx')) return []
  const texts = new Set(places.map(formatEndpoint))
  const names = [target.host, ...target.addresses].map((name) =>
    name.includes(':') ? `[${name}]:${target.port}` : `${name}:${target.port}`,
  )
  return names.some((name) => texts.has(name))
    ? []
    : [`warning: ${names[0]} was examined, its mail goes to ${[...texts].join(', ')}`]
}
