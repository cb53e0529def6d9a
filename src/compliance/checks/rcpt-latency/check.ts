// The outside sender waits for this answer.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { askExisting, askUnknown, seenOf } from '#compliance/seen.ts'
import { seconds, text } from '#compliance/text.ts'

const metMs = 1000
const badMs = 5000

export const rcptLatency: Check = {
  id: 'rcpt-latency',
  title: text('Empfänger werden schnell geprüft', 'Recipients are checked quickly'),
  requirement: text(
    'Die Antwort auf RCPT kommt in der Regel innerhalb einer Sekunde.',
    'The reply to RCPT usually comes within a second.',
  ),
  source: 'best practice; RFC 5321 §4.5.3.2.3',
  severity: 'should',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const asked = [...(await askExisting(context)), ...(await askUnknown(context))]
    const answered = asked.flatMap((each) =>
      each.answer.kind === 'rcpt' ? [{ ...each, ms: each.answer.ms }] : [],
    )
    const sorted = answered.toSorted((a, b) => a.ms - b.ms)
    const median = sorted[Math.floor(sorted.length / 2)]
    if (median === undefined)
      return undetermined(text('Keine Antwort auf RCPT.', 'No reply to RCPT.'))
    const took = seconds(median.ms)
    if (median.ms <= metMs) return met(took, { evidence: [median.answer.seen] })
    return violated(text(`In der Regel ${took.de}.`, `Usually ${took.en}.`), {
      subtype: median.ms > badMs ? 'very-slow' : 'slow',
      ...(median.ms <= badMs && { severity: 'info' as const }),
      evidence: seenOf(sorted.slice(-3)),
      remedy: {
        text: text(
          `Die Empfängerprüfung dauert ${took.de}. Schalten Sie Verzögerungen (Tarpit) ab und beschleunigen Sie die Verzeichnisabfrage.`,
          `The recipient check takes ${took.en}. Disable tarpitting and speed up the directory look-up.`,
        ),
        snippets: ['connections'],
      },
    })
  },
}
