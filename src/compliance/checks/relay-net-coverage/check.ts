// The whole network of the relays is allowed, not only the address that was tried first.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { askAll, isDeferred, seenOf, verdictOf } from '#compliance/seen.ts'
import { vantageText } from '#compliance/target.ts'
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
    const asked = await askAll(
      context,
      context.target.vantages.map((vantage) => ({ vantage, from: '', to })),
    )
    const verdicts = asked.map(({ answer }) => verdictOf(answer))
    const addresses = `${context.target.sources.length}`
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
