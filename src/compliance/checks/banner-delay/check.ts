// How long the server lets us wait for its first word.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { firstGreeted } from '#compliance/seen.ts'
import { seconds, text } from '#compliance/text.ts'

const metMs = 2000
const badMs = 10_000
const sessionCount = 3

export const bannerDelay: Check = {
  id: 'banner-delay',
  title: text('Begrüßung ohne Wartezeit', 'Greeting without delay'),
  requirement: text(
    'Die Begrüßung kommt innerhalb von 2 Sekunden.',
    'The greeting comes within 2 seconds.',
  ),
  source: 'service requirement (f), RFC 5321 §4.5.3.2.1',
  severity: 'should',
  phase: 'connect',
  needs: [],
  run: async (context) => {
    const first = await firstGreeted(context)
    if (first === null)
      return undetermined(text('Es kam keine Begrüßung.', 'There was no greeting.'))
    const others = Array.from({ length: sessionCount - 1 }, async () => {
      const contact = await context.prober.greet(context.target.vantages[0])
      if (contact.kind === 'failed') return []
      await contact.greeted.session.quit()
      return [contact.greeted.banner]
    })
    const banners = [first.banner, ...(await Promise.all(others)).flat()]
    const times = banners.map(({ ms }) => ms).toSorted((a, b) => a - b)
    const medianMs = times[Math.floor(times.length / 2)] ?? 0
    const took = seconds(medianMs)
    const evidence = banners.map(({ seen }) => seen)
    if (medianMs <= metMs) return met(took, { evidence })
    return violated(text(`Die Begrüßung dauert ${took.de}.`, `The greeting takes ${took.en}.`), {
      subtype: medianMs > badMs ? 'very-slow' : 'slow',
      ...(medianMs <= badMs && { severity: 'info' as const }),
      evidence,
      remedy: {
        text: text(
          `Die Begrüßung dauert ${took.de}. Schalten Sie greet_pause oder postscreen für die Relay-Netze ab und prüfen Sie die Rückwärtsauflösung (Schritte von 5 s sind DNS-Wartezeiten).`,
          `The greeting takes ${took.en}. Switch off greet_pause or postscreen for the relay networks and check reverse DNS (steps of 5 s are DNS timeouts).`,
        ),
        snippets: ['networks'],
      },
    })
  },
}
