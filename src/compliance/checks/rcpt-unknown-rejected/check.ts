// Addresses that nobody has are refused at RCPT, while existing ones are not: the heart of the matter.

import {
  met,
  undetermined,
  violated,
  type Check,
  type CheckContext,
  type Finding,
} from '#compliance/check.ts'
import { wordsOf } from '#compliance/replies.ts'
import {
  askAll,
  askExisting,
  askUnknown,
  isAccepted,
  isDeferred,
  isRefused,
  isTaken,
  seenOf,
  type Asked,
} from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const rcptUnknownRejected: Check = {
  id: 'rcpt-unknown-rejected',
  title: text(
    'Unbekannte Empfänger werden bei RCPT abgelehnt',
    'Unknown recipients are refused at RCPT',
  ),
  requirement: text(
    'Adressen, die es nicht gibt, lehnt der Server in der RCPT-Phase ab.',
    'The server refuses addresses that do not exist in the RCPT phase.',
  ),
  source: 'service requirement (c), RFC 5321 §3.3',
  severity: 'must',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const existing = await askExisting(context)
    const unknown = await askUnknown(context)
    const random = unknown.filter(({ to }) => !context.target.unknown.includes(to))
    const taken = random.find(isTaken)
    if (taken !== undefined) return acceptsUnknown(taken, existing)
    const nominated = unknown.find((each) => isTaken(each))
    if (nominated !== undefined) return nominatedExists(nominated)
    const evidence = [...seenOf(existing), ...seenOf(unknown)]
    if (!existing.some(isAccepted) && existing.every(isDeferred) && unknown.every(isRefused)) {
      return met(
        text(
          'Endgültig abgelehnt, während die vorhandene Adresse nur zurückgestellt wird.',
          'Refused for good, while the existing address is only deferred.',
        ),
        { subtype: 'existing-deferred', evidence, measured: { acceptsUnknown: false } },
      )
    }
    if (!existing.some(isAccepted)) {
      return undetermined(
        text(
          'Auch die vorhandene Adresse wird nicht angenommen: Es gibt keinen Unterschied.',
          'The existing address is not accepted either: there is no difference.',
        ),
        { subtype: 'no-difference', evidence },
      )
    }
    // A sender from which nobody is accepted tells nothing; null-sender and sender-consistency speak of that.
    const telling = unknown.filter(({ from }) =>
      existing.some((each) => each.from === from && isAccepted(each)),
    )
    const silent = telling.find(({ answer }) => answer.kind !== 'rcpt')
    if (silent !== undefined) {
      return undetermined(
        text(
          `Keine Antwort auf RCPT: ${wordsOf(silent.answer)}`,
          `No reply to RCPT: ${wordsOf(silent.answer)}`,
        ),
        {
          subtype: 'no-answer',
          evidence: [silent.answer.seen],
        },
      )
    }
    const elsewhere = (await askFromElsewhere(context)).find(isTaken)
    if (elsewhere !== undefined) return acceptsUnknown(elsewhere, existing)
    const later = await askAgain(context)
    if (later !== null) return acceptsUnknown(later, existing)
    const [first] = random
    const words = first === undefined ? '' : wordsOf(first.answer)
    return met(
      text(
        `${unknown.length} Fragen nach Adressen, die es nicht gibt: „${words}“`,
        `${unknown.length} questions about addresses that do not exist: “${words}”`,
      ),
      {
        evidence,
        measured: { acceptsUnknown: false },
      },
    )
  },
}

/** Who is trusted for his address is not asked for recipients: one question from each other vantage. */
async function askFromElsewhere(context: CheckContext): Promise<readonly Asked[]> {
  const [, ...others] = context.target.vantages
  const [to] = context.target.random
  return await askAll(
    context,
    others.map((vantage) => ({ vantage, from: '', to })),
  )
}

/** A server that verifies by asking another one may say yes until it knows. Null: still refused. */
async function askAgain(context: CheckContext): Promise<Asked | null> {
  const [vantage] = context.target.vantages
  const [to] = context.target.random
  await context.questions.renew(vantage)
  const asked = {
    vantage,
    from: '',
    to,
    answer: await context.questions.ask({ vantage, from: '', to }),
  }
  return isTaken(asked) ? asked : null
}

function acceptsUnknown(asked: Asked, existing: readonly Asked[]): Finding {
  const words = wordsOf(asked.answer)
  const isVague = asked.answer.kind === 'rcpt' && asked.answer.reply.code === 252
  return violated(
    text(
      `${asked.to} gibt es nicht, und doch: „${words}“`,
      `${asked.to} does not exist, and yet: “${words}”`,
    ),
    {
      subtype: isVague ? 'cannot-verify' : 'accepts-unknown',
      evidence: [asked.answer.seen, ...seenOf(existing.slice(0, 1))],
      measured: { acceptsUnknown: true },
      remedy: {
        text: text(
          `Unbekannte Empfänger werden angenommen („${words}“). Schalten Sie die Empfängerprüfung in der RCPT-Phase ein; ein Sammelpostfach (Catch-all) ist hinter den Relays nicht zulässig.`,
          `Unknown recipients are accepted (“${words}”). Enable recipient validation at RCPT; a catch-all is not allowed behind the relays.`,
        ),
        snippets: ['recipients'],
      },
    },
  )
}

function nominatedExists(asked: Asked): Finding {
  return violated(
    text(
      `Zufällige Adressen werden abgelehnt, ${asked.to} wird angenommen: Gibt es diese Adresse vielleicht doch?`,
      `Random addresses are refused, ${asked.to} is accepted: does this address exist after all?`,
    ),
    {
      subtype: 'nominated-address-exists',
      severity: 'should',
      evidence: [asked.answer.seen],
      remedy: {
        text: text(
          'Nennen Sie eine Adresse, die es wirklich nicht gibt.',
          'Name an address that really does not exist.',
        ),
        snippets: [],
      },
    },
  )
}
