// A server that said yes to an unknown recipient: what does it do with the mail?

import { isPermanent } from '#smtp/reply.ts'
import {
  met,
  undetermined,
  violated,
  type Check,
  type CheckContext,
  type Finding,
} from '#compliance/check.ts'
import { judgeInRun } from '#compliance/returns/judge-in-run.ts'
import { bounceRemedy } from '#compliance/returns/judge-returns.ts'
import { mailToUnknown, noFinalReply, type UnknownMail } from '#compliance/returns/unknown-mail.ts'
import { text } from '#compliance/text.ts'

type SentMail = Extract<UnknownMail, { readonly kind: 'sent' }>

export const rcptLateRejection: Check = {
  id: 'rcpt-late-rejection',
  title: text(
    'Unbekannte nicht erst nach dem Inhalt ablehnen',
    'Unknown ones are not refused after content',
  ),
  requirement: text(
    'Wer unbekannte Empfänger in der RCPT-Phase annimmt, darf sie auch danach nicht ablehnen; besser ist, sie dort abzulehnen.',
    'Who accepts unknown recipients in the RCPT phase may not refuse them later; better to refuse them there.',
  ),
  source: 'service requirement (b), (c)',
  severity: 'must',
  phase: 'returns',
  needs: ['existing', 'send'],
  run: async (context) => {
    const mail = await mailToUnknown(context)
    switch (mail.kind) {
      case 'refused-at-rcpt':
        return met(
          text(
            'Unbekannte werden schon bei RCPT abgelehnt.',
            'Unknown ones are refused at RCPT already.',
          ),
        )
      case 'no-final-reply':
        return noFinalReply(mail)
      case 'sent':
        return await judge(context, mail)
    }
  },
}

async function judge(context: CheckContext, mail: SentMail): Promise<Finding> {
  const { taken, sent } = mail
  const evidence = [taken.answer.seen, sent.seen]
  if (sent.kind !== 'answered') {
    return undetermined(
      text(`Keine Antwort auf den Inhalt: ${sent.words}`, `No reply to the content: ${sent.words}`),
      { evidence },
    )
  }
  if (sent.said.reply.code < 300) return await judgeAccepted(context, mail)
  return violated(text(`„${sent.words}“`, `“${sent.words}”`), {
    subtype: isPermanent(sent.said.reply) ? 'late-rejection' : 'data-tempfail',
    evidence,
    remedy: {
      text: text(
        `Ihr Server entscheidet erst nach der Datenübertragung („${sent.words}“). Das Relay hat die Mail dann schon angenommen und müsste selbst eine Unzustellbarkeitsmeldung erzeugen. Prüfen Sie Empfänger in der RCPT-Phase.`,
        `Your server decides only after DATA (“${sent.words}”); by then the relay has accepted the mail and would have to bounce it. Validate recipients at RCPT.`,
      ),
      snippets: ['recipients'],
    },
  })
}

/** With a catcher it is known whether the mail has come back; that it has not says nothing. */
async function judgeAccepted(context: CheckContext, { taken, sent }: SentMail): Promise<Finding> {
  const evidence = [taken.answer.seen, sent.seen]
  const found =
    context.catching === null ? null : await judgeInRun(context, 'no-backscatter-unknown')
  if (found?.kind === 'violated') {
    const { summary, facts } = found
    return violated(summary, {
      subtype: 'accept-then-bounce',
      evidence,
      facts,
      remedy: bounceRemedy,
    })
  }
  const [de, en] = [
    `Mail an ${taken.to}, das es nicht gibt,`,
    `Mail to ${taken.to}, which does not exist,`,
  ]
  const soFar = found === null ? text('', '') : text(`${found.summary.de} `, `${found.summary.en} `)
  return undetermined(
    text(
      `${de} wurde angenommen. ${soFar.de}Es ist ein Sammelpostfach, eine spätere Unzustellbarkeitsmeldung oder stilles Löschen.`,
      `${en} was accepted. ${soFar.en}It is a catch-all, a bounce later, or silent discard.`,
    ),
    { subtype: 'catch-all-bounce-or-discard', evidence, remedy: bounceRemedy },
  )
}
