// A line that ends in a bare LF must not end the mail: what follows would be commands of a stranger's choice.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { codeOf, saidText } from '#compliance/dialog/session.ts'
import { contentOf } from '#compliance/payloads.ts'
import { issueSender } from '#compliance/returns/catching.ts'
import { text } from '#compliance/text.ts'

const waitMs = 1500

export const smuggling: Check = {
  id: 'smuggling',
  title: text('LF.LF beendet die Mail nicht', 'LF.LF does not end the mail'),
  requirement: text(
    'Nur CR LF . CR LF beendet den Inhalt.',
    'Only CR LF . CR LF ends the content.',
  ),
  source: 'RFC 5321 §4.1.1.4, CVE-2023-51764',
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
    if (go === null || codeOf(go) !== 354) {
      await session.quit()
      return undetermined(
        text('Der Inhalt wurde nicht verlangt.', 'The content was not asked for.'),
        { evidence: [session.transcript.since(0)] },
      )
    }
    const content = contentOf(
      { subject: 'bare line ends', body: 'One line\n.\n' },
      { from, to, helloName: context.prober.helloName, nowMs: context.now(), run: null },
    )
    await session.sendRaw(content, 'content that ends in LF . LF')
    await context.sleep(waitMs)
    const isEarly = session.hasUnread
    const early = isEarly ? await session.read() : null
    if (!isEarly && session.isOpen) {
      await session.sendRaw(Buffer.from('\r\n.\r\n'), 'the right end')
      await session.read()
    }
    await session.quit()
    const evidence = [session.transcript.since(0)]
    context.catching?.settle(from, 'unclear')
    // A refusal at once, as of a server that forbids bare line ends, is a good answer.
    if (early === null || codeOf(early) !== 250) {
      return met(
        text('Erst das richtige Ende beendet die Mail.', 'Only the right end ends the mail.'),
        { evidence },
      )
    }
    return violated(
      text(`Nach LF.LF kam: „${saidText(early)}“`, `After LF.LF came: “${saidText(early)}”`),
      {
        subtype: 'lf-dot-lf',
        evidence,
        remedy: {
          text: text(
            'LF.LF beendet die Mail: SMTP-Smuggling. Aktualisieren Sie den Mailserver. Das Relay reicht kein einzelnes LF weiter; gefährdet ist, was Ihr Server von anderen annimmt.',
            'LF.LF ends the message: SMTP smuggling. Update the mail server. The relay hands on no bare LF; at risk is what your server takes from others.',
          ),
          snippets: ['bare-newlines'],
        },
      },
    )
  },
}
