// Which event moves which metric. Labels take closed sets of values, but for servers and routes, which
// are capped: nothing a client sends becomes a label.

import type { Verdict } from '#verdict/verdict.ts'
import type { MetricsRegistry } from './metrics.ts'
import type { EventOfKind, PforteEvent } from './pforte-event.ts'

export interface PforteMetrics {
  readonly record: (event: PforteEvent) => void
}

/** Half a minute is the longest a sender's patience is tried on purpose; the rest is for trouble. */
const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

const server = { name: 'server', maxValueCount: 1000 } as const
const route = { name: 'route', maxValueCount: 1000 } as const

export function createPforteMetrics(registry: MetricsRegistry): PforteMetrics {
  const instruments = createInstruments(registry)
  return { record: (event) => record(instruments, event) }
}

type Instruments = ReturnType<typeof createInstruments>

function createInstruments(registry: MetricsRegistry) {
  return { ...sessionInstruments(registry), ...mailInstruments(registry), ...others(registry) }
}

function sessionInstruments(registry: MetricsRegistry) {
  return {
    info: registry.gauge({
      name: 'pforte_info',
      help: 'Always 1; the label names the running version.',
      labels: ['version'],
    }),
    sessions: registry.counter({
      name: 'pforte_sessions_total',
      help: 'Sessions opened by clients.',
      labels: [],
    }),
    currentSessions: registry.gauge({
      name: 'pforte_sessions_current',
      help: 'Sessions open now.',
      labels: [],
    }),
    refusedSessions: registry.counter({
      name: 'pforte_sessions_refused_total',
      help: 'Clients sent away with 421 when they connected.',
      labels: ['reason'],
    }),
    strained: registry.gauge({
      name: 'pforte_strained',
      help: '1 while most places for sessions are taken and clients get less time and fewer errors.',
      labels: [],
    }),
    guessing: registry.counter({
      name: 'pforte_guessing_networks_total',
      help: 'Networks of clients that have used up their budget of guesses, each at most once an hour. Budget: unknown-recipients, questions.',
      labels: ['budget'],
    }),
    shedding: registry.gauge({
      name: 'pforte_shedding',
      help: '1 while new sessions get 421 because of it. Shortage: loop-late, descriptors-short, memory-short. With several processes: how many.',
      labels: ['shortage'],
    }),
    acceptFailures: registry.counter({
      name: 'pforte_accept_failures_total',
      help: 'Connections the system could not give.',
      labels: [],
    }),
    closedSessions: registry.counter({
      name: 'pforte_sessions_closed_total',
      help: 'Sessions closed, by why.',
      labels: ['reason'],
    }),
    sessionSeconds: registry.histogram(
      { name: 'pforte_session_seconds', help: 'How long sessions were open.', labels: [] },
      secondsBuckets,
    ),
    commands: registry.counter({
      name: 'pforte_commands_total',
      help: 'SMTP commands received, counted when the session closes.',
      labels: [],
    }),
    receivedBytes: registry.counter({
      name: 'pforte_received_bytes_total',
      help: 'Bytes received from clients, commands and content, counted when the session closes.',
      labels: [],
    }),
    handshakes: registry.counter({
      name: 'pforte_tls_handshakes_total',
      help: 'TLS handshakes with clients. Outcome: full, resumed, failed.',
      labels: ['outcome'],
    }),
    greetingChecks: registry.counter({
      name: 'pforte_greeting_clients_total',
      help: 'Clients judged before their session. Check: access, connections, rate, pregreet, dnsbl. Outcome: passed (what takes time only), observed (would have been refused), refused.',
      labels: ['check', 'outcome'],
    }),
    greetingHits: registry.counter({
      name: 'pforte_greeting_list_hits_total',
      help: 'Clients found on a list on the DNS.',
      labels: ['zone'],
    }),
    greetingListUp: registry.gauge({
      name: 'pforte_greeting_list_up',
      help: '1: the list answers. 0: it does not, and counts nothing. Absent before its first failure.',
      labels: ['zone'],
    }),
    greetingLeft: registry.counter({
      name: 'pforte_greeting_left_early_total',
      help: 'Clients that left while they had to wait for their banner.',
      labels: [],
    }),
    greetingUntested: registry.counter({
      name: 'pforte_greeting_untested_total',
      help: 'Clients let through because too many waited already.',
      labels: [],
    }),
    greetingSeconds: registry.histogram(
      {
        name: 'pforte_greeting_wait_seconds',
        help: 'How long clients that passed a check had waited.',
        labels: [],
      },
      secondsBuckets,
    ),
    protocolErrors: registry.counter({
      name: 'pforte_protocol_errors_total',
      help: 'Commands of clients that were not SMTP.',
      labels: [],
    }),
    internalErrors: registry.counter({
      name: 'pforte_internal_errors_total',
      help: 'Bugs met. Should stay 0.',
      labels: [],
    }),
  }
}

function mailInstruments(registry: MetricsRegistry) {
  return {
    refusedSenders: registry.counter({
      name: 'pforte_senders_refused_total',
      help: 'Reverse-paths (MAIL FROM) refused.',
      labels: ['verdict', 'reason'],
    }),
    recipients: registry.counter({
      name: 'pforte_recipients_total',
      help: 'Recipients (RCPT TO) decided on. Source: cache, live, pin, list, or none when nobody had to be asked. The hit ratio of the cache is the rate of source="cache" by that of cache and live.',
      labels: ['verdict', 'reason', 'source'],
    }),
    observedRules: registry.counter({
      name: 'pforte_rules_observed_total',
      help: 'Mails a mail rule in mode observe would have refused. Rules that refuse are in pforte_recipients_total by reason.',
      labels: ['rule'],
    }),
    greylistPassed: registry.counter({
      name: 'pforte_greylist_passed_total',
      help: 'Triples of network, sender and recipient that came back after the greylisting delay.',
      labels: [],
    }),
    recipientSeconds: registry.histogram(
      {
        name: 'pforte_recipient_live_seconds',
        help: 'How long clients waited for recipients that were asked for live.',
        labels: [],
      },
      secondsBuckets,
    ),
    mails: registry.counter({
      name: 'pforte_mails_total',
      help: 'Mails whose content was received, by the final reply.',
      labels: ['verdict', 'reason'],
    }),
    mailBytes: registry.counter({
      name: 'pforte_mail_bytes_total',
      help: 'Content of those mails in bytes.',
      labels: ['verdict'],
    }),
    lostClients: registry.counter({
      name: 'pforte_mails_client_gone_total',
      help: 'Mails whose client did not wait for the final reply.',
      labels: [],
    }),
    receiveSeconds: registry.histogram(
      { name: 'pforte_receive_seconds', help: 'From DATA to the end of the content.', labels: [] },
      secondsBuckets,
    ),
    handoverSeconds: registry.histogram(
      {
        name: 'pforte_handover_seconds',
        help: 'From the end of the content to the final reply, for mails that were handed over.',
        labels: [],
      },
      secondsBuckets,
    ),
    transfers: registry.counter({
      name: 'pforte_transfers_total',
      help: 'Attempts to hand a mail over to a server. Outcome: relayed, deferred, refused.',
      labels: [server, 'outcome'],
    }),
  }
}

function others(registry: MetricsRegistry) {
  return {
    nextHopConnections: registry.counter({
      name: 'pforte_next_hop_connections_total',
      help: 'Connections made to servers. Tls: yes, no.',
      labels: [server, 'purpose', 'tls'],
    }),
    nextHopTls: registry.counter({
      name: 'pforte_next_hop_tls_total',
      help: 'Connections to servers by policy, version of TLS (empty in clear), and what is known of the server. Standing: clear, unverified, verified, pinned, failed.',
      labels: ['policy', 'protocol', 'standing'],
    }),
    nextHopFailures: registry.counter({
      name: 'pforte_next_hop_failures_total',
      help: 'Connections to servers that could not be made or used.',
      labels: [server, 'cause', 'stage'],
    }),
    nextHopUp: registry.gauge({
      name: 'pforte_next_hop_up',
      help: '1: the route is used. 0: it failed repeatedly and is only tried now and then.',
      labels: [route],
    }),
    questions: registry.counter({
      name: 'pforte_questions_total',
      help: 'Questions for a recipient put to a server. Outcome: deliverable, undeliverable, unknown.',
      labels: ['purpose', 'outcome'],
    }),
    questionSeconds: registry.histogram(
      { name: 'pforte_question_seconds', help: 'How long such questions took.', labels: [] },
      secondsBuckets,
    ),
    demotions: registry.counter({
      name: 'pforte_recipients_demoted_total',
      help: 'Recipients once known good that do not exist any more.',
      labels: ['by'],
    }),
    catchAlls: registry.counter({
      name: 'pforte_catch_all_found_total',
      help: 'Times a server was found to accept any recipient.',
      labels: [],
    }),
    returns: registry.counter({
      name: 'pforte_returns_caught_total',
      help: 'What came back to senders of test mails. Kind: report, bounce, receipt, auto-reply, mail, callback, broken-off.',
      labels: ['kind'],
    }),
    storeFailures: registry.counter({
      name: 'pforte_store_failures_total',
      help: 'Failures of the embedded store. Store: recipients, registry, greylist, greeting, catcher.',
      labels: ['store'],
    }),
    alerts: registry.counter({
      name: 'pforte_alerts_total',
      help: 'Alerts raised: mail of a domain waits long, a mail is held, a server does not meet a requirement any more. Level: institute, operator.',
      labels: ['kind', 'level'],
    }),
    alertDeliveries: registry.counter({
      name: 'pforte_alert_deliveries_total',
      help: 'Alerts and digests of alerts told. Channel: mail, webhook. Result: sent, failed, skipped.',
      labels: ['channel', 'result'],
    }),
    rechecks: registry.counter({
      name: 'pforte_rechecks_total',
      help: 'Looks at servers that were examined before. Result: finished, failed.',
      labels: ['result'],
    }),
    lateRefusals: registry.counter({
      name: 'pforte_late_refusals_total',
      help: 'What servers refuse after they have said yes. Refused: content (mails, for now or for good), recipient (for good).',
      labels: ['refused'],
    }),
    verdictChanges: registry.counter({
      name: 'pforte_verdict_changes_total',
      help: 'Verdicts of checks that have changed. Severity: must, should, info. Verdict: met, violated.',
      labels: ['severity', 'verdict'],
    }),
    takenOver: registry.counter({
      name: 'pforte_recipients_taken_over_total',
      help: 'Recipients the spool took from clients. Fate: waiting, held.',
      labels: ['fate'],
    }),
    attempted: registry.counter({
      name: 'pforte_spool_attempts_total',
      help: 'Recipients tried to be delivered from the spool. Outcome: relayed, deferred, held.',
      labels: ['outcome'],
    }),
    spoolOpen: registry.gauge({
      name: 'pforte_spool_open',
      help: '1 while the spool takes mail, 0 while it is stopped.',
      labels: [],
    }),
    spoolShort: registry.gauge({
      name: 'pforte_spool_short',
      help: '1 while free space or inodes are below the reserve and new mail is deferred.',
      labels: [],
    }),
    spoolMails: registry.gauge({
      name: 'pforte_spool_mails',
      help: 'Mails in the spool, held ones included. As of the last minute, as all that follow.',
      labels: [],
    }),
    spoolRecipients: registry.gauge({
      name: 'pforte_spool_recipients',
      help: 'Recipients in the spool. Fate: waiting, held.',
      labels: ['fate'],
    }),
    spoolBytes: registry.gauge({
      name: 'pforte_spool_bytes',
      help: 'Content in the spool in bytes.',
      labels: [],
    }),
    spoolOldest: registry.gauge({
      name: 'pforte_spool_oldest_seconds',
      help: 'Age of the oldest mail that waits; 0 when nothing waits.',
      labels: [],
    }),
    spoolDamaged: registry.counter({
      name: 'pforte_spool_damaged_total',
      help: 'Mails of the spool that could not be read. Should stay 0.',
      labels: [],
    }),
    deliveryFailures: registry.counter({
      name: 'pforte_delivery_failures_total',
      help: 'Steps of delivery that failed and were tried again.',
      labels: [],
    }),
    registryChanges: registry.counter({
      name: 'pforte_registry_changes_total',
      help: 'Changes of the registry seen.',
      labels: [],
    }),
    reloads: registry.counter({
      name: 'pforte_reloads_total',
      help: 'Re-reads at run time. What: config, certificates, exceptions, networks. Outcome: done, failed.',
      labels: ['what', 'outcome'],
    }),
    processEnds: registry.counter({
      name: 'pforte_process_ends_total',
      help: 'Processes of the relay that ended without being asked to. Should stay 0.',
      labels: ['process'],
    }),
    draining: registry.gauge({
      name: 'pforte_draining',
      help: '1 while no new sessions are taken because the program is about to end.',
      labels: [],
    }),
  }
}

function record(instruments: Instruments, event: PforteEvent): void {
  switch (event.kind) {
    case 'session-opened':
      instruments.sessions.add(1)
      instruments.currentSessions.add(1)
      return
    case 'session-refused':
      instruments.refusedSessions.add(1, event.reason)
      return
    case 'session-closed':
      recordClosed(instruments, event)
      return
    case 'tls-established':
      instruments.handshakes.add(1, event.resumed ? 'resumed' : 'full')
      return
    case 'tls-failed':
      instruments.handshakes.add(1, 'failed')
      return
    case 'sender-judged':
      instruments.refusedSenders.add(1, event.verdict.kind, reasonOf(event.verdict))
      return
    case 'recipient-judged':
      recordRecipient(instruments, event)
      return
    case 'rule-observed':
      instruments.observedRules.add(1, event.rule)
      return
    case 'greylist-passed':
      instruments.greylistPassed.add(1)
      return
    case 'mail-finished':
      recordMail(instruments, event)
      return
    case 'protocol-error':
      instruments.protocolErrors.add(1)
      return
    case 'internal-error':
      instruments.internalErrors.add(1)
      return
    case 'client-denied':
      instruments.greetingChecks.add(1, 'access', outcomeOf(event.mode))
      return
    case 'client-limited':
      instruments.greetingChecks.add(1, event.check, outcomeOf(event.mode))
      return
    case 'client-pregreeted':
      instruments.greetingChecks.add(1, 'pregreet', outcomeOf(event.mode))
      return
    case 'client-listed':
      instruments.greetingChecks.add(1, 'dnsbl', outcomeOf(event.mode))
      for (const zone of event.zones) instruments.greetingHits.add(1, zone)
      return
    case 'client-passed':
      for (const check of event.checks) instruments.greetingChecks.add(1, check, 'passed')
      for (const zone of event.zones) instruments.greetingHits.add(1, zone)
      instruments.greetingSeconds.observe(event.tookMs / 1000)
      return
    case 'client-left-early':
      instruments.greetingLeft.add(1)
      return
    case 'client-untested':
      instruments.greetingUntested.add(1)
      return
    case 'dns-list-down':
      instruments.greetingListUp.set(0, event.zone)
      return
    case 'dns-list-up':
      instruments.greetingListUp.set(1, event.zone)
      return
    case 'access-file-read':
      instruments.reloads.add(1, 'networks', 'done')
      return
    case 'access-file-failed':
      instruments.reloads.add(1, 'networks', 'failed')
      return
    case 'greeting-store-failed':
      instruments.storeFailures.add(1, 'greeting')
      return
    case 'next-hop-connected':
      recordConnected(instruments, event)
      return
    case 'next-hop-failed':
      recordFailed(instruments, event)
      return
    case 'next-hop-down':
      instruments.nextHopUp.set(0, event.route)
      return
    case 'next-hop-up':
      instruments.nextHopUp.set(1, event.route)
      return
    case 'recipient-asked':
      instruments.questions.add(1, event.purpose, event.outcome.kind)
      instruments.questionSeconds.observe(event.tookMs / 1000)
      return
    case 'strain-began':
    case 'strain-ended':
      instruments.strained.set(event.kind === 'strain-began' ? 1 : 0)
      return
    case 'guessing-seen':
      instruments.guessing.add(1, event.budget)
      return
    case 'shedding-began':
    case 'shedding-ended':
      instruments.shedding.set(event.kind === 'shedding-began' ? 1 : 0, event.shortage)
      return
    case 'accept-failed':
      instruments.acceptFailures.add(event.count)
      return
    case 'recipient-demoted':
      instruments.demotions.add(1, event.by)
      return
    case 'catch-all-found':
      instruments.catchAlls.add(1)
      return
    case 'recipient-store-failed':
      instruments.storeFailures.add(1, 'recipients')
      return
    case 'return-caught':
      instruments.returns.add(1, event.found.returned.kind)
      return
    case 'catcher-failed':
      instruments.storeFailures.add(1, 'catcher')
      return
    case 'greylist-failed':
      instruments.storeFailures.add(1, 'greylist')
      return
    case 'exceptions-reloaded':
      instruments.reloads.add(1, 'exceptions', 'done')
      return
    case 'exceptions-failed':
      instruments.reloads.add(1, 'exceptions', 'failed')
      return
    case 'registry-unreadable':
      instruments.storeFailures.add(1, 'registry')
      return
    case 'alert-raised': {
      const { alert } = event
      const level = alert.kind === 'mail-delayed' ? alert.level : 'operator'
      instruments.alerts.add(1, alert.kind, level)
      return
    }
    case 'alert-mail-sent':
      instruments.alertDeliveries.add(1, 'mail', 'sent')
      return
    case 'alert-mail-skipped':
      instruments.alertDeliveries.add(1, 'mail', 'skipped')
      return
    case 'alert-mail-failed':
      instruments.alertDeliveries.add(1, 'mail', 'failed')
      return
    case 'alert-webhook-sent':
      instruments.alertDeliveries.add(1, 'webhook', 'sent')
      return
    case 'alert-webhook-failed':
      instruments.alertDeliveries.add(1, 'webhook', 'failed')
      return
    case 'recheck-finished':
      instruments.rechecks.add(1, 'finished')
      return
    case 'recheck-failed':
      instruments.rechecks.add(1, 'failed')
      return
    case 'late-refusal':
      instruments.lateRefusals.add(event.at === 'recipient' ? event.recipients.length : 1, event.at)
      return
    case 'verdict-changed':
      instruments.verdictChanges.add(1, event.severity, event.verdict)
      return
    case 'spool-opened':
      instruments.spoolOpen.set(1)
      return
    case 'spool-stopped':
      instruments.spoolOpen.set(0)
      return
    case 'spool-short':
      instruments.spoolShort.set(1)
      return
    case 'spool-roomy':
      instruments.spoolShort.set(0)
      return
    case 'spool-entry-damaged':
      instruments.spoolDamaged.add(1)
      return
    case 'spool-salvaged':
      instruments.spoolDamaged.add(event.lostCount)
      return
    case 'spool-measured':
      instruments.spoolMails.set(event.entryCount)
      instruments.spoolRecipients.set(event.waitingCount, 'waiting')
      instruments.spoolRecipients.set(event.heldCount, 'held')
      instruments.spoolBytes.set(event.sizeBytes)
      instruments.spoolOldest.set((event.oldestWaitingAgeMs ?? 0) / 1000)
      return
    case 'delivery-hurried':
      return
    case 'delivery-failed':
      instruments.deliveryFailures.add(1)
      return
    case 'mail-attempted':
      for (const outcome of ['relayed', 'deferred', 'held'] as const) {
        if (event[outcome].length > 0) instruments.attempted.add(event[outcome].length, outcome)
      }
      return
    case 'registry-changed':
      instruments.registryChanges.add(1)
      return
    case 'started':
      instruments.info.set(1, event.version)
      return
    case 'config-reloaded':
      instruments.reloads.add(1, 'config', 'done')
      return
    case 'config-reload-failed':
      instruments.reloads.add(1, 'config', 'failed')
      return
    case 'certificates-reloaded':
      instruments.reloads.add(1, 'certificates', 'done')
      return
    case 'certificates-failed':
      instruments.reloads.add(1, 'certificates', 'failed')
      return
    case 'process-lost':
      instruments.processEnds.add(1, event.name)
      return
    case 'draining':
      instruments.draining.set(1)
      return
    case 'greeted':
    case 'listening':
    case 'process-started':
    case 'process-ended':
    case 'rehearsed':
    case 'rehearsal-failed':
    case 'stopped': // lines without a number
  }
}

function outcomeOf(mode: 'observe' | 'enforce'): string {
  return mode === 'enforce' ? 'refused' : 'observed'
}

function recordClosed(instruments: Instruments, event: EventOfKind<'session-closed'>): void {
  instruments.currentSessions.add(-1)
  instruments.closedSessions.add(1, event.reason)
  instruments.sessionSeconds.observe(event.durationMs / 1000)
  instruments.commands.add(event.commandCount)
  instruments.receivedBytes.add(event.receivedBytes)
}

function recordRecipient(instruments: Instruments, event: EventOfKind<'recipient-judged'>): void {
  const { verdict, source } = event
  instruments.recipients.add(1, verdict.kind, reasonOf(verdict), source ?? 'none')
  if (source === 'live') instruments.recipientSeconds.observe(event.tookMs / 1000)
}

function recordMail(instruments: Instruments, event: EventOfKind<'mail-finished'>): void {
  for (const { fate } of event.takenOver) instruments.takenOver.add(1, fate)
  const { verdict } = event
  instruments.mails.add(1, verdict.kind, reasonOf(verdict))
  instruments.mailBytes.add(event.sizeBytes, verdict.kind)
  instruments.receiveSeconds.observe(event.receiveMs / 1000)
  if (event.isClientGone) instruments.lostClients.add(1)
  if (event.transfers.length === 0) return
  instruments.handoverSeconds.observe(event.handoverMs / 1000)
  for (const transfer of event.transfers) {
    instruments.transfers.add(1, transfer.server, transfer.outcome)
  }
}

function recordConnected(instruments: Instruments, event: EventOfKind<'next-hop-connected'>): void {
  const { server, tls } = event.nextHop
  instruments.nextHopConnections.add(1, server, event.purpose, tls === null ? 'no' : 'yes')
  const { tlsPolicy, tlsProtocol, tlsStanding } = event
  instruments.nextHopTls.add(1, tlsPolicy, tlsProtocol ?? '', tlsStanding)
  instruments.nextHopUp.setIfAbsent(1, event.route) // a connection alone does not end an outage
}

function recordFailed(instruments: Instruments, event: EventOfKind<'next-hop-failed'>): void {
  const { nextHop, cause, tlsPolicy } = event
  instruments.nextHopFailures.add(1, nextHop.server, cause.kind, cause.stage)
  if (cause.kind === 'tls') instruments.nextHopTls.add(1, tlsPolicy, '', 'failed')
}

/** '' for accept, so that the label is there in every series. */
function reasonOf(verdict: Verdict): string {
  return verdict.kind === 'accept' ? '' : verdict.reason.kind
}
