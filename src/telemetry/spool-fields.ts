// The fields of a log line about the spool and delivery from it.

import type { DeliveryEvent } from '#delivery/delivery.ts'
import type { SpoolEvent } from '#spool/spool.ts'
import { roundMs, type LogFields } from './log-fields.ts'
import { maxListLength, peerText } from './peer-text.ts'

export function addSpoolFields(fields: LogFields, event: SpoolEvent | DeliveryEvent): void {
  switch (event.kind) {
    case 'spool-opened':
      fields['folder'] = event.folder
      fields['entryCount'] = event.report.entryCount
      fields['orphanCount'] = event.report.orphanCount
      fields['tookMs'] = roundMs(event.tookMs)
      return
    case 'spool-stopped':
    case 'delivery-failed':
      fields['detail'] = peerText(event.detail)
      return
    case 'spool-short':
    case 'spool-roomy':
      fields['freeBytes'] = event.freeBytes
      fields['freeInodeCount'] = Number.isFinite(event.freeInodeCount) ? event.freeInodeCount : null
      return
    case 'spool-entry-damaged':
      fields['mail'] = peerText(event.id)
      fields['detail'] = peerText(event.detail)
      return
    case 'spool-salvaged':
      fields['keptCount'] = event.keptCount
      fields['lostCount'] = event.lostCount
      fields['file'] = event.file
      return
    case 'spool-measured':
      fields['entryCount'] = event.entryCount
      fields['waitingCount'] = event.waitingCount
      fields['heldCount'] = event.heldCount
      fields['sizeBytes'] = event.sizeBytes
      fields['ageMs'] = event.oldestWaitingAgeMs
      return
    case 'delivery-hurried':
      fields['domain'] = event.domain
      fields['recipientCount'] = event.recipientCount
      return
    case 'mail-attempted':
      addAttempt(fields, event)
  }
}

function addAttempt(
  fields: LogFields,
  event: Extract<DeliveryEvent, { readonly kind: 'mail-attempted' }>,
): void {
  const { attempt, nextAttemptMs } = event
  fields['mail'] = peerText(event.mail)
  fields['domain'] = attempt.domain
  fields['server'] = peerText(attempt.server)
  fields['serverAddress'] = attempt.address
  fields['serverTls'] = attempt.tls === null ? null : peerText(attempt.tls)
  fields['serverReply'] = peerText(attempt.reply)
  fields['tookMs'] = roundMs(attempt.tookMs)
  for (const fate of ['relayed', 'deferred', 'held'] as const) {
    fields[fate] = event[fate].slice(0, maxListLength).map(peerText)
  }
  fields['nextAttempt'] = nextAttemptMs === null ? null : new Date(nextAttemptMs).toISOString()
}
