// The contact of a domain is text for people; an alert needs the address in it.

import { parseMailbox } from '#smtp/parse-path.ts'
import type { Mailbox } from '#smtp/path.ts'

/** A contact is a line or two; what stands further behind is not looked at. */
const maxContactLength = 1000

/**
 * The first word that is an address: `Anna <anna@inst.example>, +49 89 123` has one, a phone number has
 * none. Only the first, because people name the one who is to be asked first.
 */
export function contactMailbox(contact: string): Mailbox | null {
  for (const word of contact.slice(0, maxContactLength).split(/[\s,;()<>]+/)) {
    const mailbox = parseMailbox(word.replace(/^(?:mailto:)?["']?/i, '').replace(/["'.:]+$/, ''))
    if (mailbox.ok && !mailbox.value.domain.startsWith('[')) return mailbox.value
  }
  return null
}
