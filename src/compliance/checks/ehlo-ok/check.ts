// EHLO is what everything else needs: SIZE, STARTTLS, PIPELINING.

import { met, undetermined, violated, type Check, type CheckContext } from '#compliance/check.ts'
import { codeOf, saidText } from '#compliance/dialog/session.ts'
import { vantageText, type Vantage } from '#compliance/target.ts'
import { text } from '#compliance/text.ts'
import type { Finding } from '#compliance/check.ts'

export const ehloOk: Check = {
  id: 'ehlo-ok',
  title: text('EHLO wird angenommen', 'EHLO is accepted'),
  requirement: text('Auf EHLO antwortet der Server mit 250.', 'The server answers EHLO with 250.'),
  source: 'RFC 5321 §4.1.1.1',
  severity: 'must',
  phase: 'connect',
  needs: [],
  run: async (context) => {
    let last: Finding | null = null
    for (const vantage of context.target.vantages) {
      const finding = await judge(context, vantage)
      if (finding?.kind === 'violated') return finding
      last = finding ?? last
    }
    return last ?? undetermined(text('Es kam nicht bis zu EHLO.', 'EHLO was not reached.'))
  },
}

/** Null: EHLO was not reached from there. */
async function judge(context: CheckContext, vantage: Vantage): Promise<Finding | null> {
  const contact = await context.prober.firstContact(vantage)
  if (contact.kind === 'failed' || contact.greeted.ehlo === null) return null
  const { ehlo, session } = contact.greeted
  const evidence = [ehlo.seen]
  if (codeOf(ehlo) === 250) {
    const keywords = session.extensions.keywords.map((each) => each.split(' ')[0]).join(' ')
    return met(text(keywords, keywords), { evidence })
  }
  const isHeloTaken = await takesHelo(context, vantage)
  const said = saidText(ehlo)
  return violated(
    isHeloTaken
      ? text(`EHLO wird abgelehnt, HELO nicht: ${said}`, `EHLO is refused, HELO is not: ${said}`)
      : text(`EHLO wird abgelehnt: ${said}`, `EHLO is refused: ${said}`),
    {
      subtype: isHeloTaken ? 'helo-only' : 'refused',
      evidence,
      remedy: {
        text: text(
          `EHLO wird von ${vantageText(vantage)} nicht angenommen („${said}“). Schalten Sie ESMTP ein und die Prüfung von HELO-Namen für die Relays ab.`,
          `EHLO is refused from ${vantageText(vantage)} (“${said}”). Enable ESMTP and drop HELO name checks for the relays.`,
        ),
        snippets: ['networks'],
      },
    },
  )
}

async function takesHelo(context: CheckContext, vantage: Vantage): Promise<boolean> {
  const opened = await context.prober.open(vantage)
  if (opened.kind === 'failed') return false
  const { session } = opened
  await session.read()
  const helo = session.isOpen ? await session.hello(context.prober.helloName, 'HELO') : null
  await session.quit()
  return codeOf(helo) === 250
}
