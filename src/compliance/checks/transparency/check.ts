// A line that begins with a dot is part of the content. Whether it arrives as it was sent only the mailbox can show.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { codeOf, saidText, type ProbeSession, type Said } from '#compliance/dialog/session.ts'
import { contentOf, dottedLines } from '#compliance/payloads.ts'
import { issueSender } from '#compliance/returns/catching.ts'
import { text } from '#compliance/text.ts'

export const transparency: Check = {
  id: 'transparency',
  title: text('Zeilen mit Punkt am Anfang', 'Lines that begin with a dot'),
  requirement: text(
    'Eine Zeile, die mit einem Punkt beginnt, beendet die Mail nicht.',
    'A line that begins with a dot does not end the mail.',
  ),
  source: 'RFC 5321 §4.5.2',
  severity: 'should',
  phase: 'content',
  needs: ['existing', 'send'],
  run: async (context) => {
    const contact = await context.prober.greet(context.target.vantages[0], 'asRelay')
    if (contact.kind === 'failed' || !contact.greeted.session.isOpen) {
      return undetermined(text('Es kam keine Verbindung zustande.', 'There was no connection.'))
    }
    const { session } = contact.greeted
    const [to = ''] = context.target.existing
    const from = issueSender(context, { purpose: 'mail', recipient: to })
    for (const command of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`]) await session.say(command)
    const go = session.isOpen ? await session.say('DATA') : null
    if (codeOf(go) !== 354) {
      await session.quit()
      return undetermined(
        text('Der Inhalt wurde nicht verlangt.', 'The content was not asked for.'),
        { subtype: 'not-accepted', evidence: [session.transcript.since(0)] },
      )
    }
    const { helloName } = context.prober
    const run = context.catching?.run ?? null
    const content = contentOf(dottedLines(), { from, to, helloName, nowMs: context.now(), run })
    await session.sendRaw(
      content,
      'content with the lines "..", "..x" and "...", and the final dot',
    )
    await session.sendRaw(Buffer.from('.\r\n'), null)
    const said = await session.read()
    const isTaken = codeOf(said) === 250
    const outcome = isTaken ? 'accepted' : 'not-accepted'
    context.catching?.settle(from, said.kind === 'reply' ? outcome : 'unclear')
    const next = session.isOpen ? await session.say('NOOP') : null
    await session.quit()
    const evidence = [session.transcript.since(0)]
    if (said.kind === 'reply' && isInStep(session, next)) {
      return met(
        text(
          `„${saidText(said)}“, danach geht der Dialog weiter. In der Testmail muss eine Zeile „.x“ stehen.`,
          `“${saidText(said)}”, and the dialog goes on. The test mail must have a line “.x”.`,
        ),
        { evidence },
      )
    }
    if (said.kind !== 'reply') {
      return undetermined(text(said.detail, said.detail), { subtype: 'no-reply', evidence })
    }
    return violated(
      text(
        `Nach dem Inhalt gerät der Dialog aus dem Tritt: „${next === null ? saidText(said) : saidText(next)}“`,
        `After the content the dialog is out of step: “${next === null ? saidText(said) : saidText(next)}”`,
      ),
      {
        subtype: 'out-of-step',
        evidence,
        remedy: {
          text: text(
            'Prüfen Sie, ob ein Filter oder eine Firewall vor dem Server den Inhalt verändert.',
            'Check whether a filter or firewall in front of the server changes the content.',
          ),
          snippets: [],
        },
      },
    )
  },
}

/** NOOP was answered, by nothing but its own answer. */
function isInStep(session: ProbeSession, next: Said | null): boolean {
  return next === null || (codeOf(next) === 250 && !session.hasUnread)
}
