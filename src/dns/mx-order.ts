// MX records in the order to be tried (RFC 5321 §5.1).

import type { DnsAnswer, MxRecord } from './dns.ts'
import { maxValueCount } from './merge-addresses.ts'

/** What can be asked for again. Anything else in an exchange came escaped, or to do harm. */
const plainName = /^[a-z0-9_.-]*$/

/** Canonical names, and nothing that is no host name. */
export function usableNames(names: readonly string[]): readonly string[] {
  return names
    .map((name) => name.toLowerCase().replace(/\.$/, ''))
    .filter((name) => name !== '' && name.length <= 253 && plainName.test(name))
    .slice(0, maxValueCount)
}

/** Canonical names, the best preferences only, and nothing that is no host name. */
export function usableMx(
  records: readonly { readonly priority: number; readonly exchange: string }[],
): readonly MxRecord[] {
  return records
    .map(({ priority, exchange }) => ({
      preference: priority,
      exchange: exchange.toLowerCase().replace(/\.$/, ''),
    }))
    .filter(({ exchange }) => plainName.test(exchange))
    .sort((a, b) => a.preference - b.preference)
    .slice(0, maxValueCount)
}

/** Equal preferences in random order, anew for each asker: that spreads the load. */
export function shuffleEqual(
  answer: DnsAnswer<MxRecord>,
  random: () => number,
): DnsAnswer<MxRecord> {
  if (answer.kind !== 'found') return answer
  const keyed = answer.values.map((record) => ({ record, key: random() }))
  keyed.sort((a, b) => a.record.preference - b.record.preference || a.key - b.key)
  const [first = answer.values[0], ...rest] = keyed.map(({ record }) => record)
  return { ...answer, values: [first, ...rest] }
}
