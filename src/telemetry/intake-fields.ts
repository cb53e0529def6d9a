// The fields of a log line for what happens in a session with a client.

import type { IntakeEvent, TransferSummary } from '#intake/intake-event.ts'
import type { Verdict } from '#verdict/verdict.ts'
import { roundMs, type LogFields } from './log-fields.ts'
import { commandText, errorText, maxListLength, peerReplyText, peerText } from './peer-text.ts'
import type { EventOfKind } from './pforte-event.ts'

export function addIntakeFields(fields: LogFields, event: IntakeEvent): void {
  if ('session' in event) fields['session'] = event.session
  if ('mail' in event) fields['mail'] = event.mail
  switch (event.kind) {
    case 'session-opened':
      fields['clientAddress'] = event.client.address
      fields['clientPort'] = event.client.port
      fields['listenerAddress'] = event.listener.address
      fields['listenerPort'] = event.listener.port
      return
    case 'session-refused':
      fields['clientAddress'] = event.client.address
      fields['clientPort'] = event.client.port
      fields['reason'] = event.reason
      if (event.detail !== undefined) fields['detail'] = peerText(event.detail)
      return
    case 'strain-began':
      fields['sessionCount'] = event.sessionCount
      fields['maxSessionCount'] = event.maxSessionCount
      return
    case 'strain-ended':
      fields['sessionCount'] = event.sessionCount
      fields['forMs'] = roundMs(event.forMs)
      return
    case 'guessing-seen':
      fields['network'] = peerText(event.network)
      fields['budget'] = event.budget
      fields['limit'] = event.limit
      fields['mode'] = event.mode
      return
    case 'greeted':
      fields['greetingName'] = peerText(event.name)
      fields['isExtended'] = event.isExtended
      return
    case 'tls-established':
      fields['tlsProtocol'] = event.protocol
      fields['tlsCipher'] = event.cipher
      fields['isTlsResumed'] = event.resumed
      if (event.clientCertificate !== undefined) {
        fields['clientCertificate'] = peerText(event.clientCertificate)
      }
      return
    case 'tls-failed':
      fields['detail'] = peerText(event.detail)
      return
    case 'sender-judged':
      fields['reversePath'] = peerText(event.reversePath)
      addVerdict(fields, event.verdict)
      fields['reply'] = peerText(event.reply)
      return
    case 'recipient-judged':
      fields['reversePath'] = peerText(event.reversePath)
      fields['recipient'] = peerText(event.recipient)
      addVerdict(fields, event.verdict)
      fields['reply'] = peerText(event.reply)
      fields['source'] = event.source
      fields['tookMs'] = roundMs(event.tookMs)
      return
    case 'rule-observed':
      fields['rule'] = event.rule
      fields['clientAddress'] = event.clientAddress
      fields['reversePath'] = peerText(event.reversePath)
      fields['recipient'] = peerText(event.recipient)
      addVerdict(fields, event.verdict)
      return
    case 'greylist-passed':
      fields['clientAddress'] = event.clientAddress
      fields['waitedMs'] = roundMs(event.waitedMs)
      return
    case 'mail-finished':
      addMail(fields, event)
      return
    case 'protocol-error':
      fields['detail'] = peerText(event.detail)
      fields['line'] = commandText(event.line)
      return
    case 'session-closed':
      fields['clientAddress'] = event.client.address
      fields['clientPort'] = event.client.port
      fields['reason'] = event.reason
      fields['mailCount'] = event.mailCount
      fields['commandCount'] = event.commandCount
      fields['receivedBytes'] = event.receivedBytes
      fields['durationMs'] = roundMs(event.durationMs)
      return
    case 'internal-error':
      fields['error'] = errorText(event.error)
  }
}

function addMail(fields: LogFields, event: EventOfKind<'mail-finished'>): void {
  fields['clientAddress'] = event.clientAddress
  fields['greetingName'] = peerText(event.greetingName)
  fields['reversePath'] = peerText(event.reversePath)
  fields['recipients'] = event.recipients.slice(0, maxListLength).map(peerText)
  fields['recipientCount'] = event.recipients.length
  fields['sizeBytes'] = event.sizeBytes
  addVerdict(fields, event.verdict)
  fields['reply'] = peerText(event.reply)
  fields['receiveMs'] = roundMs(event.receiveMs)
  fields['handoverMs'] = roundMs(event.handoverMs)
  fields['transfers'] = event.transfers.slice(0, maxListLength).map(transferFields)
  if (event.takenOver.length > 0) addTakenOver(fields, event.takenOver)
  fields['isClientGone'] = event.isClientGone
}

/** As in `mail-attempted`. */
function addTakenOver(
  fields: LogFields,
  takenOver: EventOfKind<'mail-finished'>['takenOver'],
): void {
  for (const [name, wanted] of [
    ['deferred', 'waiting'],
    ['held', 'held'],
  ] as const) {
    const taken = takenOver.filter(({ fate }) => fate === wanted)
    fields[name] = taken.slice(0, maxListLength).map(({ recipient }) => peerText(recipient))
  }
}

function transferFields(transfer: TransferSummary): Record<string, string | number | null> {
  return {
    server: peerText(transfer.server),
    address: transfer.address,
    tls: transfer.tls === null ? null : peerText(transfer.tls),
    outcome: transfer.outcome,
    reply: peerText(transfer.reply),
    tookMs: roundMs(transfer.tookMs),
  }
}

/** `verdict`, `reason` (null for accept), and what the reason knows, each under a name of its own. */
function addVerdict(fields: LogFields, verdict: Verdict): void {
  fields['verdict'] = verdict.kind
  if (verdict.kind === 'accept') {
    fields['reason'] = null
    return
  }
  const { reason } = verdict
  fields['reason'] = reason.kind
  if ('server' in reason) fields['server'] = peerText(reason.server)
  if ('reply' in reason) fields['serverReply'] = peerReplyText(reason.reply)
  if ('detail' in reason) fields['detail'] = peerText(reason.detail)
  if ('domain' in reason) fields['domain'] = peerText(reason.domain)
  if ('address' in reason) fields['clientAddress'] = reason.address
  if ('name' in reason) fields['clientName'] = peerText(reason.name)
  if ('subject' in reason) fields['subject'] = peerText(reason.subject)
  if ('waitMs' in reason) fields['waitMs'] = roundMs(reason.waitMs)
  if ('maxBytes' in reason) fields['maxBytes'] = reason.maxBytes
  if ('maxCount' in reason) fields['maxCount'] = reason.maxCount
  if ('network' in reason) fields['network'] = peerText(reason.network)
  if ('hopCount' in reason) fields['hopCount'] = reason.hopCount
}
