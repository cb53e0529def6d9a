// The addresses that the institute says exist: does its server say so too?

import { cleanLine } from '#base/text.ts'
import { replyText } from '#smtp/reply.ts'
import {
  met,
  undetermined,
  violated,
  type Check,
  type CheckContext,
  type Finding,
} from '#compliance/check.ts'
import { isSenderDomainProblem } from '#compliance/replies.ts'
import {
  askAll,
  askingSenders,
  isAccepted,
  isRefused,
  seenOf,
  verdictOf,
  type Asked,
} from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const rcptExistingAccepted: Check = {
  id: 'rcpt-existing-accepted',
  title: text('Vorhandene Adressen werden angenommen', 'Existing addresses are accepted'),
  requirement: text(
    'Der Server nimmt die als vorhanden genannten Adressen in der RCPT-Phase an.',
    'The server accepts the addresses named as existing in the RCPT phase.',
  ),
  source: 'service requirement (c)',
  severity: 'must',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const asked = await askAll(context, questions(context))
    const others = asked.filter((each) => !isAccepted(each))
    const [first] = others
    if (first === undefined) {
      const count = `${context.target.existing.length}`
      return met(
        text(
          `${count} Adresse(n), von jeder Absenderadresse, auch mit großgeschriebener Domäne.`,
          `${count} address(es), from each source, also with the domain in upper case.`,
        ),
        { evidence: seenOf(asked.slice(0, 2)) },
      )
    }
    const denied = others.find(({ answer }) => verdictOf(answer) === 'relay-denied')
    if (denied !== undefined) return notHosted(denied)
    const refused = others.find((each) => isRefused(each) && !isOfSender(each))
    return refused === undefined ? notYet(first) : refusedFinding(refused)
  },
}

/** Everything from the first source; from the others the first sender will do. */
function questions({ target, ...context }: CheckContext): readonly Omit<Asked, 'answer'>[] {
  const senders = askingSenders({ target, ...context })
  const all = target.vantages.flatMap((vantage) =>
    target.existing.flatMap((to) => senders.map((from) => ({ vantage, from, to }))),
  )
  const [to = ''] = target.existing
  const at = to.lastIndexOf('@')
  // RFC 5321 §2.4: domains are compared without regard to case.
  const upper = {
    vantage: target.vantages[0],
    from: '',
    to: to.slice(0, at) + to.slice(at).toUpperCase(),
  }
  return [...all, upper]
}

function isOfSender({ answer }: Asked): boolean {
  return answer.kind !== 'none' && isSenderDomainProblem(answer.reply)
}

function said({ answer }: Asked): string {
  return answer.kind === 'none' ? answer.detail : cleanLine(replyText(answer.reply), 200)
}

function notHosted(asked: Asked): Finding {
  return violated(
    text(
      `Der Server hält ${asked.to} nicht für seine Adresse: ${said(asked)}`,
      `The server does not take ${asked.to} for its own: ${said(asked)}`,
    ),
    {
      subtype: 'domain-not-hosted',
      evidence: [asked.answer.seen],
      remedy: {
        text: text(
          `Die Domäne ist am Server nicht eingetragen („${said(asked)}“).`,
          `The domain is not configured on the server (“${said(asked)}”).`,
        ),
        snippets: ['domain'],
      },
    },
  )
}

function refusedFinding(asked: Asked): Finding {
  return violated(
    text(
      `${asked.to} (Absender <${asked.from}>): ${said(asked)}`,
      `${asked.to} (sender <${asked.from}>): ${said(asked)}`,
    ),
    {
      subtype: 'refused',
      evidence: [asked.answer.seen],
      remedy: {
        text: text(
          `Die als vorhanden gemeldete Adresse ${asked.to} wird abgelehnt: ${said(asked)}. Gibt es das Postfach, und ist die Domäne am Server eingetragen?`,
          `The address reported as existing, ${asked.to}, is refused: ${said(asked)}. Does the mailbox exist, and is the domain configured on the server?`,
        ),
        snippets: ['domain', 'networks'],
      },
    },
  )
}

function notYet(asked: Asked): Finding {
  const isOurs = isOfSender(asked)
  return undetermined(
    isOurs
      ? text(
          `Die Absenderdomäne der Prüfung wird abgelehnt: ${said(asked)}. Nennen Sie eine andere (--sender-domain).`,
          `The sender domain of the check is refused: ${said(asked)}. Name another one (--sender-domain).`,
        )
      : text(`Vorläufig abgelehnt: ${said(asked)}`, `Refused for now: ${said(asked)}`),
    { subtype: isOurs ? 'sender-domain' : 'deferred', evidence: [asked.answer.seen] },
  )
}
