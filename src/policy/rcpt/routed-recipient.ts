// `user%other@served`, `other!user@served`, `"user@other"@served`: some servers read a route into these and
// send the mail on to the other place, all the more when it comes from a relay they trust. Postfix refuses
// them as well (allow_untrusted_routing), whatever the server behind makes of them.

import { isAscii } from '#smtp/path.ts'
import { reject } from '#verdict/verdict.ts'
import type { Objection, RcptFacts } from '#policy/policy.ts'

const routing = /[%!@]/

export function routedRecipient({ local, isRoutingAccepted }: RcptFacts): Objection | null {
  return !isRoutingAccepted && isRouted(local) ? reject({ kind: 'routed-recipient' }) : null
}

function isRouted(local: string): boolean {
  // Letters that only look like these become them where Unicode names are normalised (RFC 6532 §3.1).
  return routing.test(local) || (!isAscii(local) && routing.test(local.normalize('NFKC')))
}
