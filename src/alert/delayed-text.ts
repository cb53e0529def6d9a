// The alert that mail waits: the institute's server does not take it.

import type { MailDelayed } from './alert.ts'
import { ageText, shown, timeText, wrap } from './words.ts'

export function delayedInGerman(delayed: MailDelayed, hostname: string): readonly string[] {
  const { domain, server, lastReply, waitingCount, ageMs, oldestReceivedAtMs } = delayed
  return [
    ...wrap(
      `E-Mails an ${waitingCount} Empfänger in ${domain} warten auf dem Relay ${hostname}, weil der Server ` +
        `${shown(server)} sie nicht annimmt. Die älteste wartet seit ${ageText(ageMs)} ` +
        `(empfangen ${timeText(oldestReceivedAtMs)}).`,
    ),
    '',
    'Letzte Antwort des Servers:',
    `  ${lastReply === '' ? 'keine' : shown(lastReply)}`,
    '',
    ...wrap(
      'Keine E-Mail ist verloren, und keine geht an den Absender zurück. Das Relay stellt alles zu, ' +
        'sobald der Server wieder annimmt; was zu lange wartet, kommt in die Verwahrung.',
    ),
    '',
    'Als Betreiberin oder Betreiber des Servers:',
    ...wrap(
      `- Prüfen Sie, ob ${shown(server)} läuft und Verbindungen von ${hostname} annimmt ` +
        '(Firewall, Adresse, Port).',
      '  ',
    ),
    ...wrap('- Suchen Sie die Antwort oben im Protokoll Ihres Servers.', '  '),
    ...wrap('- Nehmen Sie das Relay von Ratenbegrenzung und Greylisting aus.', '  '),
    '',
    'Als Betrieb des Relays (eine Antwort auf diese E-Mail geht dorthin):',
    ...commands(domain),
  ]
}

export function delayedInEnglish(delayed: MailDelayed, hostname: string): readonly string[] {
  const { domain, server, lastReply, waitingCount, ageMs, oldestReceivedAtMs } = delayed
  const recipients = waitingCount === 1 ? '1 recipient' : `${waitingCount} recipients`
  return [
    ...wrap(
      `Mail for ${recipients} of ${domain} waits on the relay ${hostname}, because the ` +
        `server ${shown(server)} does not take mail. The oldest has waited for ${ageText(ageMs)} ` +
        `(received ${timeText(oldestReceivedAtMs)}).`,
    ),
    '',
    'Last reply of the server:',
    `  ${lastReply === '' ? 'none' : shown(lastReply)}`,
    '',
    ...wrap(
      'No mail is lost, and none is returned to its sender. The relay delivers all of them as soon ' +
        'as the server takes mail again; what waits too long is held.',
    ),
    '',
    'If you run the server:',
    ...wrap(
      `- Check that ${shown(server)} is up and accepts connections from ${hostname} (firewall, ` +
        'address, port).',
      '  ',
    ),
    ...wrap('- Look for the reply above in the log of your server.', '  '),
    ...wrap('- Exempt the relay from rate limits and greylisting.', '  '),
    '',
    'If you run the relay (a reply to this mail goes there):',
    ...commands(domain),
  ]
}

/** The command line is English, so these are the same in both languages. */
function commands(domain: string): readonly string[] {
  return [
    `  pforte queue`,
    `  pforte queue list --domain ${domain}`,
    `  pforte queue flush --domain ${domain} --reason '...'`,
  ]
}
