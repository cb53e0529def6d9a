// 4yz for an unknown recipient lets its sender try for days, and the relay can never say "no such user".

import { isPermanent, isTransient } from '#smtp/reply.ts'
import {
  met,
  notApplicable,
  undetermined,
  violated,
  type Check,
  type CheckContext,
} from '#compliance/check.ts'
import { wordsOf } from '#compliance/replies.ts'
import {
  askExisting,
  askUnknown,
  isAccepted,
  seenOf,
  verdictOf,
  type Asked,
} from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

/** Postfix answers 450 while it asks elsewhere, and polls for 3 × 3 s itself. */
const retryAfterMs: readonly number[] = [3000, 7000]

export const rcptUnknownPermanent: Check = {
  id: 'rcpt-unknown-permanent',
  title: text(
    'Unbekannte Empfänger werden endgültig abgelehnt',
    'Unknown recipients are refused for good',
  ),
  requirement: text(
    'Die Ablehnung unbekannter Empfänger ist endgültig (550), nicht vorläufig (4xx).',
    'The refusal of unknown recipients is permanent (550), not temporary (4xx).',
  ),
  source: 'service requirement (c), RFC 5321 §4.2.1',
  severity: 'must',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const unknown = await askUnknown(context)
    const deferred = unknown.find(isDeferredAtRcpt)
    if (deferred === undefined) {
      const refused = unknown.find(
        ({ answer }) => answer.kind === 'rcpt' && isPermanent(answer.reply),
      )
      if (refused === undefined) {
        return notApplicable(
          text(
            'Unbekannte Empfänger werden nicht abgelehnt.',
            'Unknown recipients are not refused.',
          ),
        )
      }
      return met(text(`„${wordsOf(refused.answer)}“`, `“${wordsOf(refused.answer)}”`), {
        evidence: [refused.answer.seen],
      })
    }
    const existing = await askExisting(context)
    const isDifferent = existing.some((each) => each.from === deferred.from && isAccepted(each))
    if (!isDifferent) {
      return undetermined(
        text(
          `Auch die vorhandene Adresse wird nicht angenommen: ${wordsOf(deferred.answer)}`,
          `The existing address is not accepted either: ${wordsOf(deferred.answer)}`,
        ),
        { subtype: 'no-difference', evidence: [deferred.answer.seen, ...seenOf(existing)] },
      )
    }
    const last = await again(context, deferred)
    if (!isDeferredAtRcpt(last)) {
      return met(
        text(
          `Erst „${wordsOf(deferred.answer)}“, dann „${wordsOf(last.answer)}“`,
          `First “${wordsOf(deferred.answer)}”, then “${wordsOf(last.answer)}”`,
        ),
        {
          subtype: 'after-retry',
          evidence: [deferred.answer.seen, last.answer.seen],
        },
      )
    }
    const words = wordsOf(last.answer)
    if (isOfRate(last)) {
      return undetermined(
        text(
          `Eine Mengenbegrenzung, keine Auskunft über den Empfänger: ${words}`,
          `A limit of rate, no word about the recipient: ${words}`,
        ),
        { subtype: 'rate-limited', evidence: [deferred.answer.seen, last.answer.seen] },
      )
    }
    return violated(text(`${last.to}: „${words}“`, `${last.to}: “${words}”`), {
      subtype: 'tempfail-for-unknown',
      evidence: [deferred.answer.seen, last.answer.seen, ...seenOf(existing.slice(0, 1))],
      remedy: {
        text: text(
          `Unbekannte Empfänger bekommen „${words}“. Ein 4xx lässt Absender tagelang wiederholen; antworten Sie mit 550.`,
          `Unknown recipients get “${words}”. A 4xx makes senders retry for days; use 550.`,
        ),
        snippets: ['recipients'],
      },
    })
  },
}

function isDeferredAtRcpt({ answer }: Asked): boolean {
  return answer.kind === 'rcpt' && isTransient(answer.reply)
}

/** 421 ends the connection (RFC 5321 §3.8), whoever was asked for. */
function isOfRate({ answer }: Asked): boolean {
  return (
    verdictOf(answer) === 'rate-limited' || (answer.kind === 'rcpt' && answer.reply.code === 421)
  )
}

/** The same question until the answer changes or patience ends. */
async function again(context: CheckContext, asked: Asked): Promise<Asked> {
  let last = asked
  let waitedMs = 0
  for (const ms of retryAfterMs) {
    const waitMs = Math.min(ms, context.patienceMs - waitedMs)
    if (!isDeferredAtRcpt(last) || waitMs <= 0 || !(await context.sleep(waitMs))) break
    waitedMs += waitMs
    last = { ...last, answer: await context.questions.ask(last) }
  }
  return last
}
