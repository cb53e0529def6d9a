// What a check needs and the run does not have: a finding of its own kind instead of a guess.

import {
  notApplicable,
  undetermined,
  type Check,
  type CheckContext,
  type Finding,
  type Need,
} from './check.ts'
import { isIpv6 } from './target.ts'
import { same, text, type Text } from './text.ts'

/** Null: everything is there. */
export async function missingNeed(
  check: Check,
  context: CheckContext,
  maySend: boolean,
): Promise<Finding | null> {
  for (const need of check.needs) {
    const finding = await missing(need, context, maySend)
    if (finding !== null) return finding
  }
  return check.phase === 'connect' ? null : await unreachable(context)
}

async function missing(
  need: Need,
  context: CheckContext,
  maySend: boolean,
): Promise<Finding | null> {
  const { target, prober } = context
  switch (need) {
    case 'existing':
      return target.existing.length > 0 ? null : unnamed('--existing')
    case 'unknown':
      return target.unknown.length > 0 ? null : unnamed('--unknown')
    case 'send':
      return maySend ? null : absent('needs-send', sendReason)
    case 'catcher':
      return context.catching !== null ? null : absent('needs-catcher', catcherReason)
    case 'second-source':
      return target.sources.length > 1 ? null : absent('needs-second-source', sourceReason)
    case 'ipv4':
      return target.vantages.some((vantage) => !isIpv6(vantage))
        ? null
        : absent('no-ipv4', ipv4Reason)
    case 'ipv6':
      return target.vantages.some(isIpv6) ? null : absent('no-ipv6', ipv6Reason)
    case 'starttls': {
      const contact = await prober.firstContact(target.vantages[0])
      const isOffered = contact.kind === 'greeted' && contact.greeted.session.extensions.startTls
      return isOffered ? null : absent('no-starttls', tlsReason)
    }
  }
}

const sendReason = text(
  'Nicht geprüft: Dazu muss eine Testmail gesendet werden (--send).',
  'Not checked: a test mail would have to be sent (--send).',
)
const catcherReason = text(
  'Nicht geprüft: Dazu muss jemand auffangen, was zurückkommt (--catcher).',
  'Not checked: somebody has to catch what comes back (--catcher).',
)
const sourceReason = text(
  'Nicht geprüft: Dazu braucht es eine zweite Absenderadresse (--from-source zweimal).',
  'Not checked: a second source address is needed (--from-source twice).',
)
const ipv4Reason = text('Der Server hat keine IPv4-Adresse.', 'The server has no IPv4 address.')
const ipv6Reason = text(
  'Der Server hat keine IPv6-Adresse, oder es wird von keiner aus geprüft.',
  'The server has no IPv6 address, or is not examined from one.',
)
const tlsReason = text('STARTTLS wird nicht angeboten.', 'STARTTLS is not offered.')

function absent(subtype: string, reason: Text): Finding {
  return notApplicable(reason, { subtype })
}

function unnamed(option: string): Finding {
  return undetermined(
    text(
      `Nicht geprüft: Es wurde keine Adresse genannt (${option}).`,
      `Not checked: no address was named (${option}).`,
    ),
    { subtype: 'needs-address' },
  )
}

/** The reason is told once, by the checks of phase `connect`. */
async function unreachable({ prober, target }: CheckContext): Promise<Finding | null> {
  const contact = await prober.firstContact(target.vantages[0])
  if (contact.kind === 'greeted' && contact.greeted.ehlo?.kind === 'reply') return null
  const detail = contact.kind === 'failed' ? same(contact.code) : text('kein EHLO', 'no EHLO')
  return undetermined(
    text(
      `Nicht geprüft: Es kam kein Dialog zustande (${detail.de}).`,
      `Not checked: there was no dialog (${detail.en}).`,
    ),
    { subtype: 'no-dialog' },
  )
}
