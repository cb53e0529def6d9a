// Every event kind with its level and what it means: for `level` in log lines, and for the manual.

import type { EventKind } from './pforte-event.ts'

/** `warning`: somebody should look when it repeats. `error`: somebody should look. */
export type Level = 'info' | 'warning' | 'error'

export interface EventRow {
  readonly level: Level
  readonly meaning: string
}

export const eventTable: Readonly<Record<EventKind, EventRow>> = {
  started: { level: 'info', meaning: 'The program has started and read its configuration.' },
  listening: { level: 'info', meaning: 'A port is open. One event for each socket.' },
  'config-reloaded': {
    level: 'info',
    meaning: 'The configuration was read again and is in force.',
  },
  'config-reload-failed': {
    level: 'error',
    meaning: 'The configuration has problems; the one before stays in force.',
  },
  'certificates-reloaded': { level: 'info', meaning: 'New certificates are in use.' },
  'certificates-failed': {
    level: 'error',
    meaning: 'Certificates could not be read; the ones before stay in use.',
  },
  'exceptions-reloaded': {
    level: 'info',
    meaning: 'The list of exceptions from the mail rules was read again and is in force.',
  },
  'exceptions-failed': {
    level: 'error',
    meaning: 'The list of exceptions from the mail rules cannot be read; the one before stays.',
  },
  'process-started': { level: 'info', meaning: 'A process of the relay was started.' },
  'process-ended': {
    level: 'info',
    meaning: 'A process of the relay ended as it was asked to: at a reload, or at the end.',
  },
  'process-lost': {
    level: 'warning',
    meaning:
      'A process of the relay ended that nobody asked to, or that did not end when asked and was killed; another one is started. Its sessions are lost, mail it had accepted is not.',
  },
  rehearsed: {
    level: 'info',
    meaning:
      'A process that has begun has sent mails to itself while it had nothing else to do (`rehearsal.mails`): the first real ones meet compiled code. None of them is logged or counted.',
  },
  'rehearsal-failed': {
    level: 'warning',
    meaning:
      'A process that has begun could not send mails to itself. Its first mails are slower, that is all.',
  },
  draining: {
    level: 'info',
    meaning: 'No new sessions are taken; mails in progress are finished first.',
  },
  stopped: { level: 'info', meaning: 'The program ends in order.' },
  'session-opened': { level: 'info', meaning: 'A client connected.' },
  'session-refused': {
    level: 'warning',
    meaning: 'A client connected and was sent away with 421; on a port for proxies without a word.',
  },
  'strain-began': {
    level: 'warning',
    meaning:
      'Most places for sessions are taken (`load.strainAt`): clients get less time and fewer errors.',
  },
  'strain-ended': { level: 'info', meaning: 'There are places again; times are as usual.' },
  'guessing-seen': {
    level: 'warning',
    meaning:
      'The clients of a network have named more unknown recipients, or caused more questions, than `guessing` allows. At most once an hour for each network.',
  },
  'shedding-began': {
    level: 'warning',
    meaning:
      'A process has too little time, file descriptors or memory (`load`): new sessions get 421, open ones go on.',
  },
  'shedding-ended': { level: 'info', meaning: 'There is enough again; new sessions are taken.' },
  'accept-failed': {
    level: 'warning',
    meaning: 'The system could not give a connection that had come. At most one event a second.',
  },
  greeted: { level: 'info', meaning: 'The client said EHLO or HELO.' },
  'tls-established': { level: 'info', meaning: 'The client switched to TLS.' },
  'tls-failed': { level: 'info', meaning: 'The TLS handshake with the client failed.' },
  'sender-judged': {
    level: 'info',
    meaning: 'A reverse-path (MAIL FROM) was refused. Accepted ones are not logged by themselves.',
  },
  'recipient-judged': {
    level: 'info',
    meaning: 'A recipient (RCPT TO) was accepted or refused, and why.',
  },
  'rule-observed': {
    level: 'info',
    meaning:
      'A mail rule that is in mode `observe` would have refused; `reason` says why. Once for each mail and rule, with the first recipient concerned.',
  },
  'greylist-passed': {
    level: 'info',
    meaning:
      'A client came back after the greylisting delay. Its network, sender and recipient are known from now on.',
  },
  'mail-finished': {
    level: 'info',
    meaning: 'The content was received and the client has its final reply.',
  },
  'protocol-error': {
    level: 'info',
    meaning: 'The client sent something that is not SMTP, or before its turn.',
  },
  'session-closed': { level: 'info', meaning: 'The session is over.' },
  'internal-error': {
    level: 'error',
    meaning: 'A bug in Pforte. The client got a temporary reply. Please report it.',
  },
  'client-denied': {
    level: 'info',
    meaning:
      'A client is on a deny list of the operator’s. Once a minute for each client, as all that have a `network`; metrics count every one.',
  },
  'client-limited': {
    level: 'warning',
    meaning: 'A client, or its network, has too many connections or makes them too often.',
  },
  'client-pregreeted': { level: 'info', meaning: 'A client spoke before its banner.' },
  'client-listed': { level: 'info', meaning: 'A client is on lists on the DNS.' },
  'client-passed': {
    level: 'info',
    meaning: 'A client that was not known passed the checks named; it is remembered.',
  },
  'client-left-early': {
    level: 'info',
    meaning: 'A client closed the connection while it had to wait for its banner.',
  },
  'client-untested': {
    level: 'warning',
    meaning:
      'More than `greeting.maxWaiting` clients wait already, and one was let through. Told once a minute.',
  },
  'dns-list-down': {
    level: 'warning',
    meaning:
      'A list on the DNS did not answer several times. It is left alone for a minute, and counts nothing.',
  },
  'dns-list-up': { level: 'info', meaning: 'The list answers again.' },
  'access-file-read': {
    level: 'info',
    meaning: 'The file of networks was read; what it says is in force.',
  },
  'access-file-failed': {
    level: 'error',
    meaning: 'The file of networks cannot be read; what it said before stays in force.',
  },
  'greeting-store-failed': {
    level: 'error',
    meaning: 'Clients that passed cannot be stored; they are tested again after a restart.',
  },
  'next-hop-connected': { level: 'info', meaning: 'A connection to an institute’s server is up.' },
  'next-hop-failed': {
    level: 'warning',
    meaning: 'A connection to an institute’s server could not be used, and at which stage.',
  },
  'next-hop-down': {
    level: 'warning',
    meaning:
      'An institute’s server failed repeatedly; it is only asked now and then until it answers.',
  },
  'next-hop-up': { level: 'info', meaning: 'An institute’s server answers again.' },
  'recipient-asked': {
    level: 'info',
    meaning: 'An institute’s server was asked for a recipient, and what it said.',
  },
  'recipient-demoted': {
    level: 'info',
    meaning: 'A recipient that was known to exist does not exist any more.',
  },
  'catch-all-found': {
    level: 'warning',
    meaning: 'An institute’s server accepts any recipient; its answers prove nothing.',
  },
  'recipient-store-failed': {
    level: 'error',
    meaning: 'What was learned of recipients cannot be stored; it is lost at a restart.',
  },
  'greylist-failed': {
    level: 'error',
    meaning:
      'The store of greylisting cannot be used: every mail passes it. Tried again after a minute.',
  },
  'alert-raised': {
    level: 'warning',
    meaning:
      'Mail of a domain waits long (`mail-delayed`), a mail is in the hold (`mail-held`), or a server does not meet a requirement any more (`requirement-violated`). One event for each alert, whatever becomes of its mail and webhook.',
  },
  'alert-mail-sent': { level: 'info', meaning: 'An alert, or a digest of many, went out as mail.' },
  'alert-mail-skipped': {
    level: 'info',
    meaning: 'An alert was not sent to somebody as mail, and why.',
  },
  'alert-mail-failed': {
    level: 'warning',
    meaning: 'An alert could not be sent as mail. It is not tried again.',
  },
  'alert-webhook-sent': { level: 'info', meaning: 'The webhook took an alert.' },
  'alert-webhook-failed': {
    level: 'warning',
    meaning: 'The webhook did not take an alert. It is not tried again.',
  },
  'return-caught': {
    level: 'warning',
    meaning:
      'Something came back to the sender of a test mail, or was asked for it: the verdict of that check may have changed, see `pforte catcher show`.',
  },
  'catcher-failed': {
    level: 'error',
    meaning:
      'What came back to a test mail cannot be stored, or the catcher has a fault; the client got a temporary reply.',
  },
  'recheck-finished': {
    level: 'info',
    meaning:
      'A server, or the DNS of a domain (server `DNS`), that was examined has been looked at again. Verdicts that differ count when they are seen a second time.',
  },
  'recheck-failed': {
    level: 'warning',
    meaning:
      'A server could not be looked at again, and why. Tried again after a 24th of `recheck.every`.',
  },
  'late-refusal': {
    level: 'warning',
    meaning:
      'A server has refused, for now or for good, the content of a mail, or a recipient for good that had been accepted before. One such content a day, or three recipients an hour, violate `production-rejections`.',
  },
  'verdict-changed': {
    level: 'warning',
    meaning:
      'A server has another verdict of a check than before, seen twice within an hour; of `production-rejections`: seen of real mail, or a day without. Nothing is changed by it.',
  },
  'spool-opened': { level: 'info', meaning: 'The spool is open; also after it had stopped.' },
  'spool-stopped': {
    level: 'error',
    meaning:
      'The disk or the database of the spool failed. Mail is handed over as before; what would need the spool gets 451. It is tried to be opened again, see `delivery.recoverEvery`.',
  },
  'spool-short': {
    level: 'error',
    meaning: 'Free space or inodes are below the reserve. New mail gets 452 4.3.1.',
  },
  'spool-roomy': { level: 'info', meaning: 'There is room again; new mail is taken.' },
  'spool-entry-damaged': {
    level: 'error',
    meaning: 'A mail of the spool cannot be read as it was stored. It is in the hold.',
  },
  'spool-salvaged': {
    level: 'error',
    meaning:
      'The database of the spool was damaged. What could be read is in a new one; the old one is kept.',
  },
  'spool-measured': {
    level: 'info',
    meaning:
      'What is in the spool. Once a minute while there is something, and once when there is not any more.',
  },
  'delivery-hurried': {
    level: 'info',
    meaning: 'A server is back, or the relay was started: what waits for the domain is tried now.',
  },
  'delivery-failed': { level: 'error', meaning: 'A step of delivery failed; it is tried again.' },
  'mail-attempted': {
    level: 'info',
    meaning: 'A mail of the spool was tried to be delivered, and what became of each recipient.',
  },
  'registry-changed': { level: 'info', meaning: 'Served domains were added, changed or removed.' },
  'registry-unreadable': {
    level: 'error',
    meaning: 'The registry cannot be read; the last state read stays in force.',
  },
}
