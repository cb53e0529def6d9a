// The whole network of the relays is allowed, not only the address that was tried first.

import { met, undetermined, violated, type Check, type CheckContext } from '#compliance/check.ts'
import type { Answer } from '#compliance/dialog/questions.ts'
import { askAll, isAccepted, isDeferred, seenOf, verdictOf } from '#compliance/seen.ts'
import { vantageText, type Vantage } from '#compliance/target.ts'
import { text } from '#compliance/text.ts'

export const relayNetCoverage: Check = {
  id: 'relay-net-coverage',
  title: text('Das ganze Relay-Netz ist freigegeben', 'The whole relay network is allowed'),
  requirement: text(
    'Von allen Adressen der Relay-Netze gilt dasselbe; die Relays können innerhalb umziehen.',
    'The same holds for all addresses of the relay networks; relays may move inside them.',
  ),
  source: 'service requirement (a)',
  severity: 'must',
  phase: 'recipients',
  needs: ['second-source', 'existing'],
  run: async (context) => {
    const [to = ''] = context.target.existing
    const vantages = await ownVantages(context)
    const asked = await askAll(
      context,
      vantages.map((vantage) => ({ vantage, from: '', to })),
    )
    const verdicts = asked.map(({ answer }) => wayOf(answer))
    const addresses = `${new Set(vantages.map(({ source }) => source)).size}`
    if (addresses === '1') {
      return undetermined(
        text(
          'Nur eine der genannten Adressen gehört zu dieser Maschine.',
          'Only one of the addresses named is one of this machine.',
        ),
        { subtype: 'source-not-local' },
      )
    }
    if (!asked.some(isAccepted) && verdicts.every((verdict) => verdict === verdicts[0])) {
      return undetermined(
        text(
          `Von keiner der ${addresses} Adressen angenommen: Es gibt keinen Unterschied.`,
          `Accepted from none of ${addresses} addresses: there is no difference.`,
        ),
        { subtype: 'not-accepted', evidence: seenOf(asked) },
      )
    }
    if (verdicts.every((verdict) => verdict === verdicts[0])) {
      return met(
        text(
          `Dieselbe Antwort von ${addresses} Adressen.`,
          `The same answer from ${addresses} addresses.`,
        ),
        { evidence: seenOf(asked) },
      )
    }
    const ways = asked
      .map((each, index) => `${vantageText(each.vantage)}: ${verdicts[index]}`)
      .join(', ')
    if (asked.some(isDeferred)) {
      return undetermined(
        text(`Unterschiedlich, aber vorläufig: ${ways}`, `Different, but temporary: ${ways}`),
        {
          subtype: 'deferred',
          evidence: seenOf(asked),
        },
      )
    }
    return violated(text(`Unterschiedlich: ${ways}`, `Different: ${ways}`), {
      subtype: 'single-addresses',
      evidence: seenOf(asked),
      remedy: {
        text: text(
          'Es sind nur einzelne Adressen freigegeben. Tragen Sie das ganze Netz ein; die Relays können innerhalb des Netzes umziehen.',
          'Only single addresses are allowed. Allow the whole network; relays may move inside it.',
        ),
        snippets: ['networks'],
      },
    })
  },
}

/** An address that is not one of this machine says nothing of the server. */
async function ownVantages({ prober, target }: CheckContext): Promise<readonly Vantage[]> {
  const contacts = await Promise.all(
    target.vantages.map(async (vantage) => {
      const contact = await prober.firstContact(vantage)
      const isForeign = contact.kind === 'failed' && contact.code === 'EADDRNOTAVAIL'
      return isForeign ? [] : [vantage]
    }),
  )
  return contacts.flat()
}

/** Refused at MAIL is not the same as no connection. */
function wayOf(answer: Answer): string {
  if (answer.kind === 'none') return 'no answer'
  return answer.kind === 'mail' ? `${answer.reply.code} at MAIL` : verdictOf(answer)
}
