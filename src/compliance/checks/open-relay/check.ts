// Does the server take mail for others? Without sending one that can be suspected, not proven.

import { randomWord } from '#compliance/addresses.ts'
import { met, undetermined, type Check, type CheckContext } from '#compliance/check.ts'
import { isIP } from '#net/address.ts'
import { isRelayDenied, wordsOf } from '#compliance/replies.ts'
import type { Answer } from '#compliance/dialog/questions.ts'
import { askAll, askUnknown, isTaken, seenOf } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const openRelay: Check = {
  id: 'open-relay',
  title: text('Kein offenes Relay', 'No open relay'),
  requirement: text(
    'Der Server nimmt keine Mail für fremde Domänen an.',
    'The server takes no mail for domains of others.',
  ),
  source: 'RFC 5321 §7.1, RFC 2505',
  severity: 'must',
  phase: 'policy',
  needs: [],
  run: async (context) => {
    const { target, prober } = context
    const [vantage] = target.vantages
    const domain = target.domains[0] ?? target.host
    const local = randomWord(14)
    const foreign = prober.senderDomain.startsWith('[') ? 'example.org' : prober.senderDomain
    const plain = `${local}@${foreign}`
    const forms = [
      plain,
      `${local}%${foreign}@${domain}`,
      `${foreign}!${local}@${domain}`,
      `${local}@${foreign}@${domain}`,
      `"${local}@${foreign}"@${domain}`,
      `@${domain}:${local}@${foreign}`,
      `${local}%${foreign}`,
      `${foreign}!${local}`,
      `"${local}@${foreign}"`,
      ...(await formsAtHost(context, local, foreign)),
    ]
    const senders = ['', target.existing[0] ?? `postmaster@${domain}`]
    const asked = await askAll(
      context,
      forms.flatMap((to) => senders.map((from) => ({ vantage, from, to }))),
    )
    const taken = asked.filter(isTaken)
    const [first] = taken
    if (first === undefined) {
      const unclear = asked.find(({ answer }) => !isClearRefusal(answer))
      if (unclear !== undefined) {
        const words = wordsOf(unclear.answer)
        return undetermined(text(`<${unclear.to}>: ${words}`, `<${unclear.to}>: ${words}`), {
          subtype: 'no-clear-refusal',
          evidence: [unclear.answer.seen],
        })
      }
      return met(text(`${asked.length} Versuche abgelehnt.`, `${asked.length} attempts refused.`), {
        evidence: seenOf(asked.slice(0, 2)),
      })
    }
    const isPlain = taken.some(({ to }) => to === plain || to.startsWith('@'))
    // Whoever accepts everybody in his own domain accepts odd local parts too.
    const isCatchAll = !isPlain && (await askUnknown(context)).some(isTaken)
    if (isCatchAll) {
      return undetermined(
        text(
          'Der Server nimmt jede Adresse der eigenen Domäne an; darum ist nichts zu erkennen.',
          'The server accepts every address of its own domain, so nothing can be told.',
        ),
        { subtype: 'accepts-unknown', evidence: seenOf(taken.slice(0, 2)) },
      )
    }
    return undetermined(
      text(
        `<${first.to}>: „${wordsOf(first.answer)}“. Ein offenes Relay, oder unsere Adresse darf weiterleiten (mynetworks).`,
        `<${first.to}>: “${wordsOf(first.answer)}”. An open relay, or our address may relay (mynetworks).`,
      ),
      {
        subtype: 'suspect',
        evidence: seenOf(taken.slice(0, 2)),
        remedy: {
          text: text(
            'Die Relay-Netze sind als vertrauenswürdig eingetragen (mynetworks, relay_from_hosts), oder der Server leitet für alle weiter. Nehmen Sie die Relays nur von Filtern aus und berechtigen Sie sie nicht zum Weiterleiten.',
            'The relay networks are trusted for relaying (mynetworks, relay_from_hosts), or the server relays for everybody. Exempt the relays from filters only.',
          ),
          snippets: ['networks'],
        },
      },
    )
  },
}

/** The same at the server's own name. Who takes everything there, for himself, would take these too: nothing is told then. */
async function formsAtHost(
  context: CheckContext,
  local: string,
  foreign: string,
): Promise<readonly string[]> {
  const { host, vantages } = context.target
  if (isIP(host)) return []
  const to = `${randomWord(14)}@${host}`
  const asked = await askAll(context, [{ vantage: vantages[0], from: '', to }])
  return asked.some(isTaken) ? [] : [`${local}%${foreign}@${host}`, `${foreign}!${local}@${host}`]
}

/** 5yz, or the 454 of Debian's Postfix, which defers what it would relay for nobody. */
function isClearRefusal(answer: Answer): boolean {
  return answer.kind !== 'none' && (answer.reply.code >= 500 || isRelayDenied(answer.reply))
}
