// The fields of a log line for what happens outside of sessions: next hops, recipients, registry, program.

import type { NextHopFacts, NoAnswer } from '#nexthop/nexthop.ts'
import type { CalloutOutcome } from '#recipients/recipients.ts'
import { addAlertFields } from './alert-fields.ts'
import { addCatcherFields } from './catcher-fields.ts'
import { addGreetingFields } from './greeting-fields.ts'
import { endpointText, roundMs, type LogFields } from './log-fields.ts'
import { maxListLength, peerReplyText, peerText } from './peer-text.ts'
import type { ModuleEvent } from './pforte-event.ts'
import { addRecheckFields } from './recheck-words.ts'
import { addSpoolFields } from './spool-fields.ts'

export function addModuleFields(fields: LogFields, event: ModuleEvent): void {
  switch (event.kind) {
    case 'next-hop-connected':
      fields['route'] = peerText(event.route)
      addNextHop(fields, event.nextHop)
      fields['purpose'] = event.purpose
      fields['tookMs'] = roundMs(event.tookMs)
      fields['tlsPolicy'] = event.tlsPolicy
      fields['tlsStanding'] = event.tlsStanding
      return
    case 'next-hop-failed':
      fields['route'] = peerText(event.route)
      addNextHop(fields, event.nextHop)
      fields['tlsPolicy'] = event.tlsPolicy
      addCause(fields, event.cause)
      return
    case 'next-hop-down':
      fields['route'] = peerText(event.route)
      addCause(fields, event.cause)
      return
    case 'next-hop-up':
      fields['route'] = peerText(event.route)
      fields['downForMs'] = roundMs(event.downForMs)
      return
    case 'recipient-asked':
      fields['recipient'] = peerText(event.recipient)
      addOutcome(fields, event.outcome)
      addNextHop(fields, event.nextHop)
      fields['purpose'] = event.purpose
      fields['tookMs'] = roundMs(event.tookMs)
      return
    case 'recipient-demoted':
      fields['recipient'] = peerText(event.recipient)
      fields['by'] = event.by
      fields['serverReply'] = peerReplyText(event.reply)
      return
    case 'catch-all-found':
      fields['domain'] = peerText(event.domain)
      fields['recipient'] = peerText(event.recipient)
      return
    case 'recipient-store-failed':
    case 'greylist-failed':
    case 'registry-unreadable':
      fields['error'] = peerText(event.error)
      return
    case 'alert-raised':
    case 'alert-mail-sent':
    case 'alert-mail-skipped':
    case 'alert-mail-failed':
    case 'alert-webhook-sent':
    case 'alert-webhook-failed':
      addAlertFields(fields, event)
      return
    case 'late-refusal':
      fields['mail'] = peerText(event.mail)
      fields['domain'] = peerText(event.domain)
      fields['recipients'] = event.recipients.slice(0, maxListLength).map(peerText)
      fields['recipientCount'] = event.recipients.length
      fields['server'] = peerText(event.server)
      fields['refused'] = event.at
      fields['serverReply'] = peerText(event.reply)
      return
    case 'recheck-finished':
    case 'recheck-failed':
    case 'verdict-changed':
      addRecheckFields(fields, event)
      return
    case 'client-denied':
    case 'client-limited':
    case 'client-pregreeted':
    case 'client-listed':
    case 'client-passed':
    case 'client-left-early':
    case 'client-untested':
    case 'dns-list-down':
    case 'dns-list-up':
    case 'access-file-read':
    case 'access-file-failed':
    case 'greeting-store-failed':
      addGreetingFields(fields, event)
      return
    case 'return-caught':
    case 'catcher-failed':
      addCatcherFields(fields, event)
      return
    case 'spool-opened':
    case 'spool-stopped':
    case 'spool-short':
    case 'spool-roomy':
    case 'spool-entry-damaged':
    case 'spool-salvaged':
    case 'spool-measured':
    case 'delivery-hurried':
    case 'delivery-failed':
    case 'mail-attempted':
      addSpoolFields(fields, event)
      return
    case 'shedding-began':
      fields['shortage'] = event.shortage
      fields['value'] = Math.round(event.value)
      fields['limit'] = event.limit
      return
    case 'shedding-ended':
      fields['shortage'] = event.shortage
      fields['forMs'] = roundMs(event.forMs)
      return
    case 'accept-failed':
      fields['count'] = event.count
      fields['detail'] = peerText(event.detail)
      return
    case 'registry-changed':
      fields['domains'] = event.domains.slice(0, maxListLength).map(peerText)
      fields['domainCount'] = event.domains.length
      return
    case 'started':
      fields['hostname'] = event.hostname
      fields['listeners'] = event.listeners.map(endpointText)
      fields['version'] = event.version
      return
    case 'listening':
      fields['listenerAddress'] = event.listener.address
      fields['listenerPort'] = event.listener.port
      fields['service'] = event.service
      return
    case 'config-reload-failed':
      fields['problems'] = event.problems.slice(0, maxListLength).map(peerText)
      return
    case 'exceptions-reloaded':
      fields['entryCount'] = event.entryCount
      return
    case 'exceptions-failed':
    case 'certificates-failed':
      fields['detail'] = peerText(event.detail)
      return
    case 'process-started':
      fields['process'] = event.name
      fields['pid'] = event.pid
      return
    case 'process-ended':
    case 'process-lost':
      fields['process'] = event.name
      fields['pid'] = event.pid
      fields['detail'] = event.how
      return
    case 'rehearsed':
      fields['mailCount'] = event.mailCount
      fields['tookMs'] = roundMs(event.tookMs)
      return
    case 'rehearsal-failed':
      fields['detail'] = peerText(event.detail)
      return
    case 'draining':
      fields['sessionCount'] = event.sessionCount
      return
    case 'config-reloaded':
      fields['needsRestart'] = event.needsRestart.slice(0, maxListLength)
      return
    case 'certificates-reloaded':
    case 'stopped':
  }
}

function addNextHop(fields: LogFields, { server, address, port, tls }: NextHopFacts): void {
  fields['server'] = peerText(server)
  fields['serverAddress'] = address
  fields['serverPort'] = port
  fields['serverTls'] = tls === null ? null : peerText(tls)
}

function addCause(fields: LogFields, { kind, stage, detail, reply }: NoAnswer): void {
  fields['cause'] = kind
  fields['stage'] = stage
  fields['detail'] = peerText(detail)
  fields['serverReply'] = reply === null ? null : peerReplyText(reply)
}

/** `outcome`; when unknown also `cause` and, without any answer, `stage` and `detail`. */
function addOutcome(fields: LogFields, outcome: CalloutOutcome): void {
  fields['outcome'] = outcome.kind
  if (outcome.kind !== 'unknown') {
    fields['serverReply'] = peerReplyText(outcome.reply)
    return
  }
  if (outcome.cause.kind === 'no-answer') {
    addCause(fields, outcome.cause.noAnswer)
    return
  }
  fields['cause'] = outcome.cause.kind
  fields['serverReply'] = peerReplyText(outcome.cause.reply)
}
