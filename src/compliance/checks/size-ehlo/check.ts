// What the server says it takes.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { firstGreeted } from '#compliance/seen.ts'
import { bytesText, requiredBytes } from '#compliance/sizes.ts'
import { text } from '#compliance/text.ts'

export const sizeEhlo: Check = {
  id: 'size-ehlo',
  title: text('SIZE nennt mindestens 50 MiB', 'SIZE says at least 50 MiB'),
  requirement: text(
    'Der Server nimmt Mails bis mindestens 52.428.800 Byte an.',
    'The server accepts mails of at least 52,428,800 bytes.',
  ),
  source: 'service requirement (e), RFC 1870 §3',
  severity: 'must',
  phase: 'recipients',
  needs: [],
  run: async (context) => {
    const greeted = await firstGreeted(context)
    const { size, keywords } = greeted?.session.extensions ?? { size: null, keywords: [] }
    const evidence = greeted?.ehlo === null || greeted === null ? [] : [greeted.ehlo.seen]
    const hasNumber = keywords.some((line) => /^SIZE[ =]+\d+$/i.test(line.trim()))
    if (size === null || !hasNumber) {
      return undetermined(
        text(
          'SIZE nennt keine Zahl; size-mail-param fragt genauer.',
          'SIZE has no number; size-mail-param asks more precisely.',
        ),
        {
          subtype: 'no-number',
          evidence,
          // Nothing that is known speaks against it, and another check asks.
          severity: 'info',
        },
      )
    }
    const measured = { maxMessageBytes: size }
    if (size === 0)
      return met(text('SIZE 0: keine feste Grenze.', 'SIZE 0: no fixed limit.'), {
        evidence,
        measured,
      })
    const found = bytesText(size)
    if (size >= requiredBytes) return met(text(found.de, found.en), { evidence, measured })
    return violated(text(`Höchstens ${found.de}.`, `At most ${found.en}.`), {
      subtype: 'too-small',
      evidence,
      measured,
      remedy: {
        text: text(
          `Ihr Server nimmt höchstens ${found.de} an; gefordert sind 52.428.800 Byte plus Reserve für Kopfzeilen. Setzen Sie 60 MiB.`,
          `Your server accepts at most ${found.en}; 52,428,800 plus header headroom are required. Set 60 MiB.`,
        ),
        snippets: ['size'],
      },
    })
  },
}
