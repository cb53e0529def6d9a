// Commands that give addresses away.

import { met, undetermined, violated, type Check, type Finding } from '#compliance/check.ts'
import { codeOf, saidText } from '#compliance/dialog/session.ts'
import type { Excerpt } from '#compliance/transcript.ts'
import { text } from '#compliance/text.ts'

export const vrfyExpn: Check = {
  id: 'vrfy-expn',
  title: text('VRFY und EXPN verraten nichts', 'VRFY and EXPN give nothing away'),
  requirement: text(
    'VRFY und EXPN bestätigen keine Adressen.',
    'VRFY and EXPN confirm no addresses.',
  ),
  source: 'RFC 5321 §7.3',
  severity: 'info',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const contact = await context.prober.greet(context.target.vantages[0])
    if (contact.kind === 'failed' || !contact.greeted.session.isOpen) {
      return undetermined(text('Es kam keine Verbindung zustande.', 'There was no connection.'))
    }
    const { session } = contact.greeted
    const from = session.transcript.lines.length
    const [address = ''] = context.target.existing
    const vrfy = await session.say(`VRFY ${address}`)
    // 252 commits to nothing (RFC 5321 §3.5.3), unless those who do not exist get something else.
    const isAsked = session.isOpen && codeOf(vrfy) === 252
    const ofNobody = isAsked ? await session.say(`VRFY ${context.target.random[0]}`) : null
    const expn = session.isOpen ? await session.say(`EXPN ${address}`) : null
    const evidence = [session.transcript.since(from)]
    await session.quit()
    const telling = [vrfy, expn].find((said) => [250, 251].includes(codeOf(said) ?? 0))
    if (telling !== undefined && telling !== null) {
      const words = saidText(telling)
      return tells(text(`„${words}“`, `“${words}”`), null, evidence)
    }
    if ([550, 551, 553].includes(codeOf(ofNobody) ?? 0) && ofNobody !== null) {
      const [words, other] = [saidText(vrfy), saidText(ofNobody)]
      const summary = text(
        `„${words}“, aber bei einer erfundenen Adresse „${other}“`,
        `“${words}”, but for an invented address “${other}”`,
      )
      return tells(summary, 'by-difference', evidence)
    }
    return met(text(`„${saidText(vrfy)}“`, `“${saidText(vrfy)}”`), { evidence })
  },
}

function tells(
  summary: Finding['summary'],
  subtype: string | null,
  evidence: readonly Excerpt[],
): Finding {
  return violated(summary, {
    ...(subtype !== null && { subtype }),
    evidence,
    remedy: {
      text: text(
        'VRFY und EXPN verraten Adressen; schalten Sie sie ab.',
        'VRFY and EXPN disclose addresses; disable them.',
      ),
      snippets: ['vrfy'],
    },
  })
}
