// Is `anna+list@` the mailbox of anna@? The relay wants to know; either answer is right.

import { randomWord } from '#compliance/addresses.ts'
import { met, undetermined, type Check } from '#compliance/check.ts'
import { wordsOf } from '#compliance/replies.ts'
import { askAll, isAccepted, isRefused, seenOf } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const subaddressing: Check = {
  id: 'subaddressing',
  title: text('Unteradressen (name+zusatz)', 'Subaddresses (name+tag)'),
  requirement: text(
    'Nur zur Information: Wird name+zusatz@ angenommen?',
    'For information only: whether name+tag@ is accepted.',
  ),
  source: 'RFC 5233',
  severity: 'info',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const [vantage] = context.target.vantages
    const [address = ''] = context.target.existing
    const at = address.lastIndexOf('@')
    const to = `${address.slice(0, at)}+${randomWord(6)}${address.slice(at)}`
    const [asked] = await askAll(context, [{ vantage, from: '', to }])
    if (asked === undefined || !(isAccepted(asked) || isRefused(asked))) {
      return undetermined(text('Keine eindeutige Antwort.', 'No clear answer.'), {
        evidence: asked === undefined ? [] : seenOf([asked]),
      })
    }
    const isSubaddressing = isAccepted(asked)
    const words = wordsOf(asked.answer)
    return met(
      isSubaddressing
        ? text(`name+zusatz@ wird angenommen: „${words}“`, `name+tag@ is accepted: “${words}”`)
        : text(`name+zusatz@ wird abgelehnt: „${words}“`, `name+tag@ is refused: “${words}”`),
      { evidence: seenOf([asked]), measured: { isSubaddressing } },
    )
  },
}
