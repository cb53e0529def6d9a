// Checks of the connecting address were done at the relay, where it is the sender's. Here it is always ours.

import { isPermanent, type PeerReply } from '#smtp/reply.ts'
import { met, undetermined, violated, type Check, type CheckContext } from '#compliance/check.ts'
import { isClientPolicy, isSenderDomainProblem } from '#compliance/replies.ts'
import { askExisting } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'
import type { Excerpt } from '#compliance/transcript.ts'
import { cleanLine } from '#base/text.ts'
import { replyText } from '#smtp/reply.ts'

interface Heard {
  readonly reply: PeerReply
  readonly seen: Excerpt
}

export const clientPolicy: Check = {
  id: 'client-policy',
  title: text('Keine Prüfung der Relay-Adressen', 'No checks of the relays’ addresses'),
  requirement: text(
    'Sperrlisten, Rückwärtsauflösung und HELO-Name werden für die Relays nicht geprüft.',
    'Block lists, reverse DNS and HELO names are not checked for the relays.',
  ),
  source: 'service requirement (f)',
  severity: 'must',
  phase: 'connect',
  needs: [],
  run: async (context) => {
    const heard = await everythingHeard(context)
    if (heard.length === 0) {
      return undetermined(text('Es kam kein Dialog zustande.', 'There was no dialog.'))
    }
    const refusal =
      heard.find(({ reply }) => isClientPolicy(reply)) ?? (await refusedAtMail(context))
    if (refusal === null) {
      return met(
        text(
          'Keine Antwort spricht von einer Prüfung des Zustellers.',
          'No reply speaks of a check of the client.',
        ),
        {
          evidence: heard.map(({ seen }) => seen),
        },
      )
    }
    const said = cleanLine(replyText(refusal.reply), 200)
    return violated(text(`„${said}“`, `“${said}”`), {
      subtype: 'client-refused',
      evidence: [refusal.seen],
      remedy: {
        text: text(
          'Prüfungen auf die Adresse des Zustellers (Sperrlisten, Rückwärtsauflösung, HELO) haben die Relays bereits beim Absender gemacht. Schalten Sie sie für die Relay-Netze aus.',
          'Checks on the connecting address (block lists, reverse DNS, HELO) were already done at the edge. Switch them off for the relay networks.',
        ),
        snippets: ['networks'],
      },
    })
  },
}

/** Refused for good before a recipient was named, whoever the sender: that is about the client, whatever the words. */
async function refusedAtMail(context: CheckContext): Promise<Heard | null> {
  if (context.target.existing.length === 0) return null
  const answers = (await askExisting(context)).map(({ answer }) => answer)
  const refusals = answers.flatMap((answer) =>
    answer.kind === 'mail' && isPermanent(answer.reply) && !isSenderDomainProblem(answer.reply)
      ? [answer]
      : [],
  )
  return refusals.length === answers.length ? (refusals[0] ?? null) : null
}

async function everythingHeard(context: CheckContext): Promise<readonly Heard[]> {
  const { prober, target } = context
  const heard: Heard[] = []
  let isWelcome = true
  for (const vantage of target.vantages) {
    const contact = await prober.firstContact(vantage)
    if (contact.kind === 'failed') continue
    for (const said of [contact.greeted.banner, contact.greeted.ehlo]) {
      if (said?.kind === 'reply') heard.push(said)
      if (said?.kind !== 'reply' || said.reply.code >= 300) isWelcome = false
    }
  }
  // Postfix delays what it says about the client until RCPT (smtpd_delay_reject).
  if (isWelcome && heard.length > 0 && target.existing.length > 0) {
    for (const { answer } of await askExisting(context)) {
      if (answer.kind !== 'none') heard.push(answer)
    }
  }
  return heard
}
