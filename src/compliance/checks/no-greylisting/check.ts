// A first mail of a sender nobody has met is accepted at once. A null sender proves nothing: greylisting spares it.

import { isPositive, isTransient } from '#smtp/reply.ts'
import { freshSender } from '#compliance/addresses.ts'
import { issueSender } from '#compliance/returns/catching.ts'
import {
  met,
  undetermined,
  violated,
  type Check,
  type CheckContext,
  type Finding,
} from '#compliance/check.ts'
import { seconds, text, type Text } from '#compliance/text.ts'
import { isGreylisting, isSenderDomainProblem, wordsOf } from '#compliance/replies.ts'
import { verdictOf, type Asked } from '#compliance/seen.ts'
import { plainText } from '#compliance/payloads.ts'
import { send, type Sent } from '#compliance/sending.ts'
import { vantageText, type Vantage } from '#compliance/target.ts'

/** After the first try: postscreen passes at once, postgrey after 300 s by default. */
const retryAfterMs: readonly number[] = [
  2000, 8000, 20_000, 40_000, 260_000, 300_000, 330_000, 600_000,
]

export const noGreylisting: Check = {
  id: 'no-greylisting',
  title: text('Kein Greylisting für die Relays', 'No greylisting for the relays'),
  requirement: text(
    'Der Server stellt Mail unbekannter Absender nicht zurück; das haben die Relays schon getan.',
    'The server does not defer mail of unknown senders; the relays have done that.',
  ),
  source: 'service requirement (f), RFC 6647',
  severity: 'must',
  phase: 'policy',
  needs: ['existing'],
  seesFurther: true,
  run: async (context) => {
    const asked: Asked[] = []
    for (const vantage of context.target.vantages) asked.push(await askFresh(context, vantage))
    const deferred = asked.filter(
      ({ answer }) => answer.kind !== 'none' && isTransient(answer.reply),
    )
    const worded = deferred.find(
      ({ answer }) => answer.kind !== 'none' && isGreylisting(answer.reply),
    )
    if (worded !== undefined) return greylisting(worded, [worded], null)
    const [first] = deferred
    if (first !== undefined) return await byRetrying(context, first)
    const other = asked.find(({ answer }) => verdictOf(answer) !== 'accepted')
    const evidence = asked.map(({ answer }) => answer.seen)
    if (other !== undefined) {
      return undetermined(
        text(
          `Nicht zurückgestellt, aber auch nicht angenommen: ${wordsOf(other.answer)}`,
          `Not deferred, but not accepted either: ${wordsOf(other.answer)}`,
        ),
        { subtype: 'not-accepted', evidence },
      )
    }
    if (context.maySend) return await byContent(context)
    return met(
      text(
        'Ein neuer Absender wird von jeder Adresse beim ersten Versuch angenommen (bis RCPT geprüft).',
        'A new sender is accepted at the first try from each address (checked up to RCPT).',
      ),
      { evidence },
    )
  },
}

async function askFresh(context: CheckContext, vantage: Vantage): Promise<Asked> {
  const [to = ''] = context.target.existing
  const from = freshSender(context.prober.senderDomain)
  return { vantage, from, to, answer: await context.questions.ask({ vantage, from, to }) }
}

/** The same triple turns good with time while a new one is still deferred: that is greylisting, whatever it is called. */
async function byRetrying(context: CheckContext, first: Asked): Promise<Finding> {
  const tries = [first]
  const startMs = context.now()
  let waitedMs = 0
  for (const ms of retryAfterMs) {
    if (waitedMs + ms > context.patienceMs || !(await context.sleep(ms))) break
    waitedMs += ms
    await context.questions.renew(first.vantage)
    const again = { ...first, answer: await context.questions.ask(first) }
    tries.push(again)
    if (verdictOf(again.answer) !== 'accepted') continue
    if (tries.length === 2 && isDeepTest(first)) return deepTest(tries)
    const fresh = await askFresh(context, first.vantage)
    tries.push(fresh)
    return verdictOf(fresh.answer) === 'accepted'
      ? passing(seen(tries))
      : greylisting(first, tries, context.now() - startMs)
  }
  const words = wordsOf(first.answer)
  const isOurs = first.answer.kind !== 'none' && isSenderDomainProblem(first.answer.reply)
  return undetermined(
    isOurs
      ? text(
          `Die Absenderdomäne der Prüfung wird zurückgestellt: ${words} (--sender-domain)`,
          `The sender domain of the check is deferred: ${words} (--sender-domain)`,
        )
      : text(
          `Zurückgestellt, solange gewartet wurde (--patience): ${words}`,
          `Deferred for as long as the check waited (--patience): ${words}`,
        ),
    { subtype: isOurs ? 'sender-domain' : 'deferred', evidence: seen(tries) },
  )
}

function passing(evidence: Finding['evidence']): Finding {
  return undetermined(
    text(
      'Zuerst zurückgestellt, später auch für neue Absender nicht mehr.',
      'Deferred at first, later not even for new senders.',
    ),
    { subtype: 'passing', evidence },
  )
}

/** Filters such as rspamd greylist when the content is there. The same mail again, until it is taken. */
async function byContent(context: CheckContext): Promise<Finding> {
  const [recipient = ''] = context.target.existing
  const from = issueSender(context, { purpose: 'mail', recipient })
  const sending = { payload: plainText(), from }
  const startMs = context.now()
  const first = await send(context, sending)
  const tries = [first]
  let waitedMs = 0
  for (const ms of retryAfterMs) {
    if (!isLater(tries.at(-1)) || isWorded(first) || waitedMs + ms > context.patienceMs) break
    if (!(await context.sleep(ms))) break
    waitedMs += ms
    tries.push(await send(context, sending))
  }
  const evidence = tries.map((each) => each.seen)
  const { words } = first
  if (isTaken(first)) {
    return met(
      text(
        'Ein neuer Absender wird beim ersten Versuch angenommen (bis RCPT von jeder Adresse, mit Inhalt von der ersten).',
        'A new sender is accepted at the first try (up to RCPT from each address, with content from the first one).',
      ),
      { evidence },
    )
  }
  if (isWorded(first)) return greylistingOfContent(words, null, evidence)
  if (isTaken(tries.at(-1))) {
    const took = seconds(context.now() - startMs)
    // A new sender that is taken at once: the server was ill, and is well again.
    const fresh = await send(context, { payload: plainText() })
    const all = [...evidence, fresh.seen]
    return isLater(fresh) ? greylistingOfContent(words, took, all) : passing(all)
  }
  return undetermined(
    text(
      `Bis RCPT angenommen, mit Inhalt nicht (--patience): ${words}`,
      `Accepted up to RCPT, not with content (--patience): ${words}`,
    ),
    { subtype: isLater(first) ? 'deferred' : 'not-accepted', evidence },
  )
}

function greylistingOfContent(
  words: string,
  took: Text | null,
  evidence: Finding['evidence'],
): Finding {
  const later =
    took === null
      ? text('', '')
      : text(` Nach ${took.de} angenommen.`, ` Accepted after ${took.en}.`)
  return violated(
    text(`Nach dem Inhalt: „${words}“.${later.de}`, `After the content: “${words}”.${later.en}`),
    {
      subtype: 'greylisting-content',
      evidence,
      remedy: {
        text: text(
          'Ein Filter stellt Mail nach dem Inhalt zurück (rspamd: greylist). Nehmen Sie die Relay-Netze aus.',
          'A filter defers mail after its content (rspamd: greylist). Exempt the relay networks.',
        ),
        snippets: ['filters', 'networks'],
      },
    },
  )
}

function isTaken(sent: Sent | undefined): boolean {
  return sent?.kind === 'answered' && isPositive(sent.said.reply)
}

function isWorded(sent: Sent): boolean {
  return sent.kind === 'answered' && isGreylisting(sent.said.reply)
}

function isLater(sent: Sent | undefined): boolean {
  return sent?.kind === 'answered' && isTransient(sent.said.reply)
}

/** Postfix's postscreen, deep tests: the first connection of an address is sent away with 450 4.3.2. */
function isDeepTest({ answer }: Asked): boolean {
  return answer.kind !== 'none' && answer.reply.code === 450 && answer.reply.status === '4.3.2'
}

function deepTest(tries: readonly Asked[]): Finding {
  return violated(
    text(
      'Die erste Verbindung wird weggeschickt, die zweite angenommen (postscreen).',
      'The first connection is sent away, the second accepted (postscreen).',
    ),
    {
      subtype: 'postscreen-deep-test',
      severity: 'should',
      evidence: seen(tries),
      remedy: {
        text: text(
          'Nehmen Sie die Relay-Netze in postscreen_access_list auf.',
          'Put the relay networks into postscreen_access_list.',
        ),
        snippets: ['networks'],
      },
    },
  )
}

function seen(tries: readonly Asked[]): Finding['evidence'] {
  return tries.map(({ answer }) => answer.seen)
}

function greylisting(first: Asked, tries: readonly Asked[], afterMs: number | null): Finding {
  const words = wordsOf(first.answer)
  const from = vantageText(first.vantage)
  const took = afterMs === null ? null : seconds(afterMs)
  const later =
    took === null
      ? text('', '')
      : text(` Nach ${took.de} angenommen.`, ` Accepted after ${took.en}.`)
  return violated(
    text(`Von ${from}: „${words}“.${later.de}`, `From ${from}: “${words}”.${later.en}`),
    {
      subtype: 'greylisting',
      evidence: seen(tries),
      remedy: {
        text: text(
          `Greylisting ist für ${from} aktiv. Nehmen Sie die Relay-Netze aus (postgrey: /etc/postgrey/whitelist_clients.local).`,
          `Greylisting is active for ${from}. Exempt the relay networks (postgrey: /etc/postgrey/whitelist_clients.local).`,
        ),
        snippets: ['networks'],
      },
    },
  )
}
