// The profile of a domain's server as people read it: what is obeyed, and whose word it is.

import { formatSize } from '#base/units.ts'
import type { ServedDomain, ServerProfile } from '#registry/registry.ts'
import { profileKeys, type ProfileKey } from '#registry/server-profile.ts'

type Row = readonly [name: string, value: string]

/** One row for each property that is known, and always one for the size. */
export function profileRows(served: ServedDomain): readonly Row[] {
  return profileKeys.flatMap((key): readonly Row[] => {
    const value = valueText(key, served.profile)
    if (value === null) return key === 'maxMessageBytes' ? [[names[key], "the relay's limit"]] : []
    return [[names[key], `${value} (${sourceText(key, served)})`]]
  })
}

/** `max-connections 3`, as `domain set` names it; null: nothing is known. */
export function propertyText(key: ProfileKey, profile: ServerProfile): string | null {
  const value = valueText(key, profile)
  return value === null ? null : `${names[key]} ${value}`
}

const names: Readonly<Record<ProfileKey, string>> = {
  maxMessageBytes: 'max size',
  takesSmtpUtf8: 'SMTPUTF8',
  takes8BitMime: '8BITMIME',
  maxConnectionCount: 'connections',
  maxMailsPerConnection: 'mails each',
  calloutSender: 'callout sender',
  refusesAtData: 'refuses at DATA',
  maxLineBytes: 'longest line',
}

function valueText(key: ProfileKey, profile: ServerProfile): string | null {
  const value = profile[key]
  if (value === null) return null
  switch (key) {
    case 'maxMessageBytes':
      return formatSize(Number(value))
    case 'maxConnectionCount':
      return `at most ${value}`
    case 'maxMailsPerConnection':
      return `at most ${value}`
    case 'maxLineBytes':
      return `${value} octets`
    case 'calloutSender':
      return value === 'null' ? '<>' : 'a mailbox'
    case 'takesSmtpUtf8':
    case 'takes8BitMime':
    case 'refusesAtData':
      return value === true ? 'yes' : 'no'
  }
}

function sourceText(key: ProfileKey, { byHand, measured }: ServedDomain): string {
  const other = measured === null ? null : valueText(key, measured.profile)
  if (byHand[key] === null) return `measured ${dayOf(measured?.atMs ?? 0)}`
  return other === null || measured?.profile[key] === byHand[key]
    ? 'by hand'
    : `by hand; measured: ${other}`
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
