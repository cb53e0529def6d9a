// The alert that mail is in the hold: a person has to decide.

import type { HoldReason } from '#spool/spool.ts'
import type { MailHeld } from './alert.ts'
import type { HeldDigest } from './notice.ts'
import { countedIn, shown, wrap, type BothLanguages } from './words.ts'

/** Why a mail is held, and what helps. */
const reasons: Readonly<Record<HoldReason, { readonly why: BothLanguages; help: BothLanguages }>> =
  {
    refused: {
      why: { de: 'vom Server abgelehnt', en: 'refused by the server' },
      help: {
        de: 'Der Server hat diese E-Mails oder ihre Empfänger endgültig abgelehnt, nachdem das Relay sie angenommen hatte. Gibt es den Empfänger noch? Den Inhalt darf der Server nicht ablehnen: Filter sollen markieren oder in Quarantäne nehmen.',
        en: 'The server refused these mails or their recipients for good after the relay had accepted them. Does the recipient still exist? Content must not be refused by the server: filters are to mark or to quarantine.',
      },
    },
    expired: {
      why: { de: 'zu lange gewartet', en: 'waited too long' },
      help: {
        de: 'Der Server hat diese E-Mails zu lange nicht angenommen. Bringen Sie ihn in Ordnung und geben Sie die E-Mails dann frei.',
        en: 'The server did not take these mails for too long. Repair it, then release the mails.',
      },
    },
    'not-served': {
      why: { de: 'Domäne nicht mehr betreut', en: 'domain not served any more' },
      help: {
        de: 'Die Domäne wird von diesem Relay nicht mehr betreut. Tragen Sie sie wieder ein, oder leiten Sie die E-Mails mit "pforte queue move" um.',
        en: 'This relay does not serve the domain any more. Add it again, or take the mails elsewhere with "pforte queue move".',
      },
    },
    damaged: {
      why: { de: 'Inhalt beschädigt', en: 'content damaged' },
      help: {
        de: 'Der gespeicherte Inhalt ist nicht mehr der, der empfangen wurde. Prüfen Sie den Datenträger des Relays.',
        en: 'The stored content is not what was received. Check the disk of the relay.',
      },
    },
    ordered: {
      why: { de: 'auf Anweisung angehalten', en: 'held by order' },
      help: {
        de: 'Eine Person hat diese E-Mails angehalten; der Grund steht bei "pforte queue show".',
        en: 'A person has these mails held; "pforte queue show" has the reason.',
      },
    },
  }

export function heldInGerman(digest: HeldDigest, hostname: string): readonly string[] {
  const { domain, mailCount } = digest
  const verb = mailCount === 1 ? 'ist' : 'sind'
  return [
    ...wrap(
      `${countedIn(mailCount).de} an ${domain} ${verb} auf dem Relay ${hostname} in Verwahrung: Das ` +
        'Relay stellt sie nicht mehr von selbst zu und schickt sie auch nicht zurück. Bitte ' +
        'entscheiden Sie, was damit geschehen soll.',
    ),
    '',
    ...list(digest, 'de', 'weitere'),
    ...help(digest, 'de'),
    'Als Betrieb des Relays (eine Antwort auf diese E-Mail geht dorthin):',
    ...commands(digest, { list: 'alle', show: 'eine ansehen', release: 'freigeben' }),
  ]
}

export function heldInEnglish(digest: HeldDigest, hostname: string): readonly string[] {
  const { domain, mailCount } = digest
  const verb = mailCount === 1 ? 'is' : 'are'
  return [
    ...wrap(
      `${countedIn(mailCount).en} for ${domain} ${verb} held on the relay ${hostname}: it does not ` +
        'deliver them by itself any more, nor return them. Please decide what is to become of them.',
    ),
    '',
    ...list(digest, 'en', 'more'),
    ...help(digest, 'en'),
    'If you run the relay (a reply to this mail goes there):',
    ...commands(digest, { list: 'all of them', show: 'look at one', release: 'release them' }),
  ]
}

function list(
  { mails, mailCount }: HeldDigest,
  language: keyof BothLanguages,
  more: string,
): readonly string[] {
  const lines = mails.flatMap((mail) => [
    `  ${shown(mail.id)}  ${reasons[mail.reason].why[language]}`,
    `    ${recipientsText(mail)}`,
    ...(mail.reply === '' ? [] : [`    ${shown(mail.reply)}`]),
  ])
  const restCount = mailCount - mails.length
  return restCount === 0 ? [...lines, ''] : [...lines, `  + ${restCount} ${more}`, '']
}

const maxShownRecipientCount = 3

function recipientsText({ recipients }: MailHeld): string {
  const named = recipients.slice(0, maxShownRecipientCount).map((address) => `<${shown(address)}>`)
  const restCount = recipients.length - named.length
  return named.join(', ') + (restCount === 0 ? '' : ` + ${restCount}`)
}

function help({ mails }: HeldDigest, language: keyof BothLanguages): readonly string[] {
  const found = new Set(mails.map(({ reason }) => reason))
  return [...found].flatMap((reason) => [...wrap(`- ${reasons[reason].help[language]}`, '  '), ''])
}

/** The command line is English; what each line is for is told beside it. */
function commands(
  { domain, mails }: HeldDigest,
  words: { readonly list: string; readonly show: string; readonly release: string },
): readonly string[] {
  const id = shown(mails[0].id)
  return [
    `  pforte queue list --domain ${domain} --held   # ${words.list}`,
    `  pforte queue show ${id}   # ${words.show}`,
    `  pforte queue export ${id}`,
    `  pforte queue release --domain ${domain} --reason '...'   # ${words.release}`,
    `  pforte queue delete ${id} --reason '...'`,
  ]
}
