// What the server has refused of real mail, after it had said yes. The relay that serves it has counted.

import {
  met,
  notApplicable,
  undetermined,
  violated,
  type Check,
  type CheckContext,
  type Finding,
} from '#compliance/check.ts'
import { filterRemedy } from '#compliance/data-check.ts'
import {
  atTime,
  hourMs,
  productionTitle,
  refusalCounts,
  refusalSummary,
  type ProductionRecord,
} from '#compliance/production.ts'
import { text } from '#compliance/text.ts'

/** A relay says every hour that it counts. */
const silentMs = 2 * hourMs

export const productionRejections: Check = {
  id: 'production-rejections',
  title: productionTitle,
  requirement: text(
    'Von wirklicher Mail lehnt der Server an keinem Tag eine nach DATA ab, und in keiner Stunde drei Empfänger, die er auf Nachfrage angenommen hatte.',
    'Of real mail the server refuses none after DATA on any day, and within no hour three recipients that it had accepted when asked.',
  ),
  source: 'service requirement (no rejection after acceptance)',
  severity: 'must',
  // It asks nobody, so that it can be judged while the server is down.
  phase: 'connect',
  needs: [],
  run: async (context) => await Promise.resolve(judge(context)),
}

function judge({ production, now }: CheckContext): Finding {
  const [first, ...others] = (production ?? []).map((record) => judgeOne(record, now()))
  if (first === undefined) {
    return notApplicable(
      text(
        'Kein Relay, das diesen Server bedient, wurde genannt (--config).',
        'No relay that serves this server was named (--config).',
      ),
      { subtype: 'no-relay' },
    )
  }
  const all = [first, ...others]
  return (
    all.find(({ kind }) => kind === 'violated') ??
    all.find(({ kind }) => kind === 'undetermined') ??
    first
  )
}

function judgeOne({ domain, counting, state: found }: ProductionRecord, nowMs: number): Finding {
  if (counting === null) {
    return undetermined(
      text(
        `${domain}: Das Relay hat mit diesem Zustandsordner noch nie gezählt.`,
        `${domain}: the relay has never counted with this state folder.`,
      ),
      { subtype: 'not-counted', severity: 'info' },
    )
  }
  const state = found === null ? null : atTime(found, nowMs)
  if (state !== null && state.degraded !== null) return degraded(state.domain, state, nowMs)
  if (Math.abs(nowMs - counting.aliveAtMs) > silentMs) {
    return undetermined(
      text(`${domain}: Das Relay läuft nicht.`, `${domain}: the relay does not run.`),
      { subtype: 'not-counted', severity: 'info' },
    )
  }
  const { contentCount, recipientCount } =
    state === null ? { contentCount: 0, recipientCount: 0 } : refusalCounts(state, nowMs)
  const since = new Date(counting.sinceMs).toISOString().slice(0, 10)
  return met(
    text(
      `${domain}: In 24 h ${contentCount} Ablehnungen nach DATA und ${recipientCount} von Empfängern, die angenommen waren (gezählt seit ${since}; wie viel Mail kam, wird nicht gezählt).`,
      `${domain}: in 24 h ${contentCount} refusals after DATA and ${recipientCount} of recipients that had been accepted (counted since ${since}; how much mail came is not counted).`,
    ),
  )
}

function degraded(
  domain: string,
  state: Parameters<typeof refusalSummary>[0],
  nowMs: number,
): Finding {
  const { de, en } = refusalSummary(state, nowMs)
  const { content, recipient } = state.examples
  const facts = Object.fromEntries(
    [content, recipient].flatMap((example) =>
      example === null
        ? []
        : [[example.mail, `${new Date(example.atMs).toISOString()} ${example.server}`]],
    ),
  )
  const isContent = refusalCounts(state, nowMs).contentCount > 0
  return violated(text(`${domain}: ${de}`, `${domain}: ${en}`), {
    subtype: isContent ? 'data-rejection' : 'contradicts-itself',
    facts,
    remedy: isContent
      ? { text: filterRemedy, snippets: ['filters'] }
      : {
          text: text(
            'Ihr Server nimmt Empfänger auf Nachfrage an und lehnt sie ab, wenn die Mail kommt. Beide Antworten müssen aus derselben Quelle stammen, gleich von welchem Absender.',
            'Your server accepts recipients when asked and refuses them when the mail comes. Both answers have to come from the same source, whoever the sender is.',
          ),
          snippets: ['recipients'],
        },
  })
}
