// Every default and why it is what it is. One row a key, as the key is written in the file; the schema
// takes its defaults from here and the manual is printed from here.

import { greetingDefaults } from './greeting-defaults.ts'
import { limitsDefaults } from './limits-defaults.ts'

export interface Default {
  /** As it would stand in the file: a text with its unit, a number, true or false, a list, null. */
  readonly value: string | number | boolean | null | readonly string[]
  /** What is used when `value` is null because it depends on another key. */
  readonly derived?: string
  /** Why this value: one sentence or two, for the operator who considers another one. */
  readonly reason: string
}

export const defaults: Readonly<Record<string, Default>> = {
  postmaster: {
    value: null,
    reason: 'only the operator knows; RFC 5321 §4.5.1 wants one, so set it',
  },

  workers: {
    value: 'auto',
    reason: 'every core takes its share of the sessions; 0 is simpler where one core is plenty',
  },

  'tls.certificates': {
    value: [],
    reason: 'STARTTLS is offered once there is a certificate; none can be invented',
  },
  'tls.ca': {
    value: null,
    reason: "the system's certificates are trusted; a private authority has to be named",
  },
  'tls.clients': {
    value: 'off',
    reason: 'no decision depends on it, and some old clients break off when they are asked',
  },

  'smtp.bareNewlines': {
    value: 'reject',
    reason:
      'what arrives is what was signed, or nothing; `normalize`, as in Postfix, where real mail is refused for it',
  },
  'smtp.routedRecipients': {
    value: 'reject',
    reason:
      "an institute's server trusts the relay and may send such mail on to anywhere; Postfix refuses it as well",
  },
  'smtp.unauthorizedPipelining': {
    value: 'observe',
    reason:
      'nothing is misread either way; mostly robots do it, and the log of some days tells whether only they',
  },
  'smtp.chunking': {
    value: true,
    reason:
      'spares large senders the search for dots; false if a client is found that does it wrong',
  },

  ...limitsDefaults,
  ...greetingDefaults,

  'verification.positiveFresh': {
    value: '24h',
    reason: 'a mailbox that existed today exists; deliveries correct it at once when it is gone',
  },
  'verification.positiveRefresh': {
    value: '12h',
    reason: 'a mailbox in use is asked again in the background and never makes its sender wait',
  },
  'verification.positiveStale': {
    value: '31d',
    reason:
      "long enough to accept for known-good recipients through any outage of an institute's server",
  },
  'verification.negativeFresh': {
    value: '1min',
    reason: 'a mailbox created a minute ago works; a question costs milliseconds',
  },
  'verification.negativeLimit': {
    value: '5min',
    reason: 'during an outage a refusal is trusted this long; then 451, because it may be outdated',
  },
  'verification.demoteAfter': {
    value: '10min',
    reason: 'two refusals this far apart are no hiccup of the directory behind the server',
  },
  'verification.connectTimeout': {
    value: '5s',
    reason: "the institutes' servers are near: one that needs longer is down",
  },
  'verification.commandTimeout': {
    value: '10s',
    reason: 'leaves room for a slow directory; the client waits 5 minutes for its RCPT',
  },
  'verification.totalTimeout': {
    value: '20s',
    reason: 'budget of one RCPT, then 451 4.4.1; far below the 5 minutes of RFC 5321 §4.5.3.2.3',
  },
  'verification.probeSender': {
    value: null,
    derived: 'postmaster@ the hostname',
    reason:
      'questions use the null reverse-path, which cannot loop; this is for servers that refuse it',
  },
  'verification.maxConnections': {
    value: 20,
    reason:
      'a question has its connection for one round trip, and its client waits; where a server takes fewer it says 421 and the number is lowered',
  },
  'verification.maxWaiting': {
    value: 500,
    reason:
      "a twentieth of `limits.maxSessions`: one institute's slow server must not hold the sessions of all",
  },
  'verification.maxQuestionsPerConnection': {
    value: 50,
    reason:
      "half of Postfix's smtpd_junk_command_limit; a server that ends connections earlier, as Exim does after ten (`smtp_accept_max_nonmail`), is asked again and gets fewer from then on",
  },
  'verification.maxRefusalsPerConnection': {
    value: 8,
    reason:
      'many servers slow a connection down after ten refusals (Postfix: smtpd_soft_error_limit) and end it after twenty',
  },
  'verification.idleClose': {
    value: '30s',
    reason: 'the next question is often seconds away; the server is not kept busy for nothing',
  },
  'verification.maxEntriesPerDomain': {
    value: 20000,
    reason:
      'more than a large institute has mailboxes; invented addresses evict only those of their own domain',
  },
  'verification.catchAllInterval': {
    value: '24h',
    reason: 'a server that accepts every address is found within a day, at one question a day',
  },
  'verification.pin': {
    value: '24h',
    reason: 'long enough to repair a server, short enough not to be forgotten',
  },
  'verification.breakerFailures': {
    value: 3,
    reason: 'one lost connection is chance, three in a row are an outage',
  },
  'verification.breakerRecovery': {
    value: '15s',
    reason:
      'one question every 15 s finds a recovered server at once and does not hinder its start',
  },

  'handover.maxConnections': {
    value: 20,
    reason:
      'keeps a fast server busy; where a server takes fewer it says 421 and the number is lowered',
  },
  'handover.maxWaiting': {
    value: 500,
    reason:
      'a good server works these off in seconds; behind a sick one the spool takes the rest, where it may',
  },
  'handover.maxMailsPerConnection': {
    value: 100,
    reason: 'spares connection set-up and TLS; most servers allow 100 mails and more',
  },
  'handover.idleClose': {
    value: '5s',
    reason: 'sendmail and Courier limit connections per client to 5–10; idle ones are not hoarded',
  },
  'handover.connectTimeout': {
    value: '30s',
    reason:
      'the client waits 10 minutes in all; RFC 5321 §4.5.3.2.1 would allow 5 min for the banner',
  },
  'handover.commandTimeout': {
    value: '1min',
    reason: 'nothing is sent yet, giving up costs one retry; RFC 5321 §4.5.3.2 would allow 2–5 min',
  },
  'handover.contentTimeout': {
    value: '3min',
    reason: 'RFC 5321 §4.5.3.2.5: 3 minutes for a piece of content',
  },
  'handover.finalTimeout': {
    value: '9min',
    reason:
      'just below the 10 minutes the client waits itself (RFC 5321 §4.5.3.2.6); giving up on a slow server means a duplicate (RFC 1047)',
  },

  'dns.servers': { value: [], reason: 'the resolvers of the system (/etc/resolv.conf)' },
  'dns.timeout': {
    value: '2s',
    reason:
      'a resolver on site answers in milliseconds; two attempts fit into the budget of a RCPT',
  },
  'dns.attempts': { value: 2, reason: 'one lost datagram must not defer a mail' },
  'dns.refuseAddresses': {
    value: [
      '0.0.0.0/8',
      '127.0.0.0/8',
      '169.254.0.0/16',
      '224.0.0.0/3',
      '::/128',
      '::1/128',
      'fe80::/10',
      'ff00::/8',
    ],
    reason:
      "loopback, link-local and multicast: a zone that lies must not lead to the relay's own machine; private addresses are normal on a campus",
  },

  'policy.reverseDnsMissing': {
    value: 'off',
    reason:
      'few real servers have no PTR record, but some do: `observe` first, then `reject` is what large sites do',
  },
  'policy.reverseDnsInconsistent': {
    value: 'off',
    reason: 'real servers fail this now and then, as Postfix warns too: `observe` first',
  },
  'policy.dynamicAddress': {
    value: 'off',
    reason: 'it judges by names, so it can be wrong: `observe` first, then rather `defer`',
  },
  'policy.dynamicNames': {
    value: [],
    reason: 'providers change their names; those of your own country are worth a list',
  },
  'policy.guessDynamicNames': {
    value: true,
    reason: 'most such names show what they are; names with `static` or `mail` do not count',
  },
  'policy.senderDomainMissing': {
    value: 'off',
    reason: 'nobody can answer such a mail, but a look-up is made for each: `observe` first',
  },
  'policy.senderNullMx': {
    value: 'off',
    reason: 'the domain itself says that it has no mail; off because it costs a look-up for each',
  },
  'policy.dnsFailure': {
    value: 'pass',
    reason:
      'a resolver of ours that is ill must not stop all mail; Postfix defers, which `defer` does too',
  },
  'policy.dnsTimeout': {
    value: '5s',
    reason: 'a client waits five minutes, but a session that waits takes a place',
  },
  'policy.exceptions': {
    value: null,
    reason: 'whom the rules hit wrongly is only known after a time of `observe`',
  },
  'policy.greylisting.mode': {
    value: 'off',
    reason:
      'it delays first mails; `observe` for some days first, so that regular senders are known',
  },
  'policy.greylisting.delay': {
    value: '5min',
    reason: 'as in postgrey: servers retry after 5 to 30 minutes, throw-away senders do not',
  },
  'policy.greylisting.retryWindow': {
    value: '2d',
    reason: 'as in postgrey: slow senders retry once in several hours',
  },
  'policy.greylisting.memory': {
    value: '36d',
    reason: 'a monthly mail is still known, even if it comes a few days late',
  },
  'policy.greylisting.allowAfter': {
    value: 5,
    reason: 'as in postgrey: a network that came back five times is a mail server',
  },
  'policy.greylisting.maxEntries': {
    value: 1_000_000,
    reason: 'about 100 MB on disk; a busy site sees some 100,000 triples in 36 days',
  },

  'spool.folder': {
    value: null,
    derived: 'spool in the folder of `state`',
    reason: 'one disk is enough for most sites; a busy one gives the spool its own',
  },
  'spool.reserve': {
    value: '256MiB',
    reason:
      'room for the mails under way when it is reached, and for the log that tells of it; five of the largest',
  },
  'spool.reserveInodes': {
    value: 1000,
    reason: 'a large mail is a file; this many are under way at most',
  },
  'delivery.maxConnections': {
    value: 10,
    reason: 'half of `handover.maxConnections`: a full spool leaves room for mail that comes in',
  },
  'delivery.pauses': {
    value: ['1min', '2min', '5min', '10min', '15min', '30min'],
    reason:
      'short at first, because most outages are short; a server known to be down is not asked for each mail',
  },
  'delivery.holdAfter': {
    value: '5d',
    reason:
      'RFC 5321 §4.5.4.1 wants 4 to 5 days; then a human decides, where others would send a bounce',
  },
  'delivery.alertInstituteAfter': {
    value: '1h',
    reason: 'a restart takes minutes; after an hour somebody should look',
  },
  'delivery.alertOperatorAfter': {
    value: '4h',
    reason: "the institute had its time; mail still waits, and the operator's spool grows",
  },
  'delivery.recoverEvery': {
    value: '30s',
    reason: 'a full disk is often emptied soon; a broken one costs one attempt each time',
  },
  'delivery.stopTimeout': {
    value: '5s',
    reason: 'most deliveries take less; the others are in the spool and only begin anew',
  },

  'alerts.webhook': {
    value: null,
    reason: 'only the operator knows; alerts are in the log and the metrics in any case',
  },
  'alerts.mail': {
    value: true,
    reason:
      'the people concerned hear of an outage before their users ask; without `postmaster` no mail is sent',
  },
  'alerts.digest': {
    value: '10min',
    reason:
      'a server that refuses everything holds many mails at once; one alert tells of them all',
  },

  'rehearsal.mails': {
    value: 1500,
    reason:
      'some seconds of a core after each start, and the first mails cost a third less; none leaves the machine',
  },

  'catcher.domain': {
    value: null,
    reason: 'it needs a domain of its own whose MX leads here; see docs/operations.md',
  },
  'catcher.listen.address': {
    value: '127.0.0.1',
    reason: 'the relay on the same machine hands over to it; nobody else needs to reach it',
  },
  'catcher.listen.port': {
    value: 2526,
    reason: 'the relay itself has port 25, and 2525 is often one that servers listen on',
  },
  'recheck.mode': {
    value: 'on',
    reason:
      'it concerns only servers somebody has examined with --save, asks what a sender could ask, and a server that has changed would otherwise be found out by lost mail',
  },
  'recheck.every': {
    value: '1d',
    reason:
      'servers change when people change them; a day is soon enough and costs some 40 questions',
  },
  'recheck.confirmAfter': {
    value: '20min',
    reason: 'longer than a restart or an update takes, so that these are not taken for a change',
  },
  'recheck.timeout': {
    value: '5min',
    reason:
      'a healthy server takes some ten seconds, one that greylists waits for more than a minute',
  },

  'log.format': {
    value: 'auto',
    reason: 'people at a terminal get readable lines, everything else one JSON object a line',
  },
  'log.file': {
    value: null,
    reason: 'standard output: the journal or the container engine keeps it',
  },

  'metrics.listen.address': {
    value: '127.0.0.1',
    reason: 'metrics are open to whoever can connect',
  },
  'metrics.listen.port': {
    value: 9125,
    reason: 'among the ports of Prometheus exporters (9100 and up), where a scraper is expected',
  },
}

/** The row of a key. Throws for a key without one, so that none can be forgotten. */
export function defaultOf(key: string): Default {
  const found = defaults[key]
  if (found === undefined) throw new Error(`no default for ${key}`)
  return found
}
