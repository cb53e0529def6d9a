// What is offered in clear must be offered behind TLS too, where the relay will be.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { codeOf } from '#compliance/dialog/session.ts'
import { firstGreeted } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

const kept = ['SIZE', '8BITMIME', 'PIPELINING', 'SMTPUTF8']

export const tlsAfter: Check = {
  id: 'tls-after',
  title: text('Nach TLS wird dasselbe angeboten', 'The same is offered behind TLS'),
  requirement: text(
    'EHLO nach STARTTLS bietet, was vorher geboten wurde, und STARTTLS nicht noch einmal.',
    'EHLO after STARTTLS offers what was offered before, and STARTTLS not again.',
  ),
  source: 'RFC 3207 §4.2',
  severity: 'info',
  phase: 'connect',
  needs: ['starttls'],
  run: async (context) => {
    const before = await firstGreeted(context)
    const contact = await context.prober.greet(context.target.vantages[0])
    if (before === null || contact.kind === 'failed')
      return undetermined(text('Kein Handshake gelang.', 'No handshake succeeded.'))
    const { session } = contact.greeted
    const secured = await context.prober.secure(session)
    const hello = secured?.kind === 'secured' ? await session.hello(context.prober.helloName) : null
    await session.quit()
    if (hello === null || codeOf(hello) !== 250)
      return undetermined(text('Kein Handshake gelang.', 'No handshake succeeded.'))
    const words = (lines: readonly string[]): readonly string[] =>
      lines.map((line) => line.split(/[ =]/)[0]?.toUpperCase() ?? '')
    const after = words(session.extensions.keywords)
    const lost = words(before.session.extensions.keywords).filter(
      (each) => kept.includes(each) && !after.includes(each),
    )
    const isAgain = after.includes('STARTTLS')
    const evidence = [hello.seen]
    if (lost.length === 0 && !isAgain)
      return met(text(after.join(' '), after.join(' ')), { evidence })
    return violated(
      isAgain
        ? text('STARTTLS wird noch einmal angeboten.', 'STARTTLS is offered again.')
        : text(`Es fehlt: ${lost.join(' ')}`, `Missing: ${lost.join(' ')}`),
      {
        subtype: isAgain ? 'starttls-again' : 'keywords-lost',
        evidence,
        remedy: {
          text: text(
            'Prüfen Sie, ob ein Filter oder eine Firewall vor dem Server antwortet.',
            'Check whether a filter or firewall answers in front of the server.',
          ),
          snippets: [],
        },
      },
    )
  },
}
