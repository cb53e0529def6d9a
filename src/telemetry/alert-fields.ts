// The fields of a log line about alerts.

import type { Alert, AlertEvent } from '#alert/alert.ts'
import { roundMs, type LogFields } from './log-fields.ts'
import { maxListLength, peerText } from './peer-text.ts'

export function addAlertFields(fields: LogFields, event: AlertEvent): void {
  if (event.kind === 'alert-raised') {
    addAlert(fields, event.alert)
    return
  }
  fields['alert'] = event.alert
  fields['domain'] = peerText(event.domain)
  if ('audience' in event) {
    fields['audience'] = event.audience
    fields['recipient'] = event.recipient === null ? null : peerText(event.recipient)
  }
  switch (event.kind) {
    case 'alert-mail-sent':
      fields['messageId'] = event.messageId
      fields['server'] = peerText(event.server)
      fields['serverReply'] = peerText(event.reply)
      fields['tookMs'] = roundMs(event.tookMs)
      return
    case 'alert-mail-skipped':
      fields['reason'] = event.reason
      return
    case 'alert-mail-failed':
      fields['messageId'] = event.messageId
      fields['server'] = peerText(event.server)
      fields['detail'] = peerText(event.detail)
      return
    case 'alert-webhook-sent':
      fields['attemptCount'] = event.attemptCount
      fields['tookMs'] = roundMs(event.tookMs)
      return
    case 'alert-webhook-failed':
      fields['attemptCount'] = event.attemptCount
      fields['detail'] = peerText(event.detail)
  }
}

function addAlert(fields: LogFields, alert: Alert): void {
  fields['alert'] = alert.kind
  fields['domain'] = peerText(alert.domain)
  if (alert.kind === 'mail-delayed') {
    fields['audience'] = alert.level
    fields['waitingCount'] = alert.waitingCount
    fields['ageMs'] = roundMs(alert.ageMs)
    fields['server'] = peerText(alert.server)
    fields['serverReply'] = peerText(alert.lastReply)
    return
  }
  fields['audience'] = 'operator'
  if (alert.kind === 'requirement-violated') {
    fields['server'] = peerText(alert.server)
    fields['checks'] = alert.violated.slice(0, maxListLength).map(({ check }) => check)
    return
  }
  fields['mail'] = peerText(alert.id)
  fields['recipients'] = alert.recipients.slice(0, maxListLength).map(peerText)
  fields['recipientCount'] = alert.recipients.length
  fields['reason'] = alert.reason
  fields['serverReply'] = peerText(alert.reply)
}
