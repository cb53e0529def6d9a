// Several commands in one write (RFC 2920), and whether their answers come in order.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { codeOf } from '#compliance/dialog/session.ts'
import { firstGreeted } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const capPipelining: Check = {
  id: 'cap-pipelining',
  title: text('PIPELINING, wenn angeboten, stimmt', 'PIPELINING, if offered, is right'),
  requirement: text(
    'Wer PIPELINING anbietet, beantwortet Befehle einer Gruppe einzeln und in ihrer Reihenfolge.',
    'Who offers PIPELINING answers the commands of a group one by one and in order.',
  ),
  source: 'RFC 2920',
  severity: 'info',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const greeted = await firstGreeted(context)
    if (greeted?.session.extensions.pipelining !== true) {
      return met(text('Nicht angeboten.', 'Not offered.'), {
        subtype: 'not-offered',
        measured: { isPipelining: false },
      })
    }
    const contact = await context.prober.greet(context.target.vantages[0], 'asRelay')
    if (contact.kind === 'failed' || !contact.greeted.session.isOpen) {
      return undetermined(text('Es kam keine Verbindung zustande.', 'There was no connection.'))
    }
    const { session } = contact.greeted
    const [existing = ''] = context.target.existing
    const [random] = context.target.random
    const replies = await session.sayTogether([
      'MAIL FROM:<>',
      `RCPT TO:<${existing}>`,
      `RCPT TO:<${random}>`,
      'RSET',
    ])
    await session.quit()
    const evidence = [session.transcript.since(0)]
    const codes = replies.map((said) => codeOf(said) ?? '-').join(' ')
    const isRight =
      replies.length === 4 &&
      codeOf(replies[0] ?? null) === 250 &&
      codeOf(replies[3] ?? null) === 250
    if (isRight) return met(text(codes, codes), { evidence, measured: { isPipelining: true } })
    return violated(text(`Vier Befehle, Antworten: ${codes}`, `Four commands, replies: ${codes}`), {
      subtype: 'out-of-step',
      evidence,
      measured: { isPipelining: false },
      remedy: {
        text: text(
          'Prüfen Sie, ob ein Filter oder eine Firewall vor dem Server antwortet. Das Relay fragt bis dahin einzeln.',
          'Check whether a filter or firewall answers in front of the server. Until then the relay asks one by one.',
        ),
        snippets: [],
      },
    })
  },
}
