// A run of a few checks is saved beside what an earlier one has found, when it was about the same server: what it did
// not look at stays known, and is looked at again every day.

import type { AskedWith, SavedProfile } from './profile-store.ts'
import type { Profile } from './profile.ts'

/** The checks that have to be in order again before a value that none of them gives any more is forgotten. */
const measuredBy: Readonly<Record<keyof Profile, readonly string[]>> = {
  maxMessageBytes: ['size-ehlo'],
  isEightBitMime: ['cap-8bitmime'],
  isSmtpUtf8: ['cap-smtputf8'],
  isPipelining: ['cap-pipelining'],
  isChunking: ['cap-chunking'],
  isBinaryMime: ['cap-binarymime'],
  isDsn: ['cap-dsn'],
  isEnhancedStatusCodes: ['cap-enhanced'],
  isPrdr: ['cap-prdr'],
  isStartTls: ['starttls-offered'],
  maxConnections: ['no-rate-limit-connections'],
  mailsPerConnection: ['session-reuse', 'no-rate-limit-messages', 'cap-limits'],
  maxRecipients: ['rcpt-multi', 'cap-limits'],
  calloutSender: ['null-sender', 'sender-consistency'],
  calloutErrorsPerConnection: ['rcpt-order-independence'],
  acceptsUnknown: ['rcpt-unknown-rejected'],
  isSubaddressing: ['subaddressing'],
  refusesAtData: ['data-clean', 'data-spam', 'data-virus', 'data-attachment'],
  maxLineBytes: ['data-long-line'],
}

/** Any of those that judge what comes back: a run has all of them, or it was narrow. */
const returnCheck = 'no-backscatter-longtail'

/** `before`: what is saved of the domain; null: nothing. */
export function withEarlier(saved: SavedProfile, before: SavedProfile | null): SavedProfile {
  if (before === null || before.server !== saved.server) return saved
  const isNarrow = Object.keys(before.verdicts).some((id) => !Object.hasOwn(saved.verdicts, id))
  const { run } = Object.hasOwn(saved.verdicts, returnCheck) ? saved : before
  return {
    ...saved,
    profile: { ...stillKnown(before.profile, saved.verdicts), ...saved.profile },
    verdicts: { ...before.verdicts, ...saved.verdicts },
    asked: isNarrow ? askedAsBefore(saved.asked, before.asked) : saved.asked,
    // What comes back to the mails of the earlier run is still about verdicts that stand.
    ...(run !== undefined && { run }),
  }
}

function stillKnown(profile: Profile, verdicts: SavedProfile['verdicts']): Profile {
  const wasLookedAt = (id: string): boolean => verdicts[id] === 'met' || verdicts[id] === 'violated'
  const known = Object.entries(profile).filter(
    ([key]) => measuredBy[key as keyof Profile]?.every(wasLookedAt) === false,
  )
  return Object.fromEntries(known)
}

/** What a run of a few checks has not named is asked with as before. */
function askedAsBefore(asked: AskedWith | null, before: AskedWith | null): AskedWith | null {
  if (asked === null || before === null) return asked ?? before
  const { domains, existing } = asked.existing.length > 0 ? asked : before
  return {
    ...asked,
    domains,
    existing,
    unknown: asked.unknown.length > 0 ? asked.unknown : before.unknown,
    sources: asked.sources.length > 0 ? asked.sources : before.sources,
    caFile: asked.caFile ?? before.caFile,
  }
}
