// Alerts, and what became of them, in words.

import type { Alert, AlertEvent } from '#alert/alert.ts'
import { counted, durationText, path } from './human-intake.ts'
import type { Description } from './human-line.ts'
import { peerText } from './peer-text.ts'

export function describeAlert(event: AlertEvent): Description {
  switch (event.kind) {
    case 'alert-raised':
      return { word: 'ALERT', text: alertText(event.alert) }
    case 'alert-mail-sent':
      return {
        word: 'alert mail',
        text: `${about(event)} to ${path(event.recipient)}: ${peerText(event.reply)}`,
      }
    case 'alert-mail-skipped':
      return {
        word: 'alert mail',
        text: `${about(event)} not sent to ${event.recipient === null ? event.audience : path(event.recipient)}: ${event.reason}`,
      }
    case 'alert-mail-failed':
      return {
        word: 'alert mail',
        text: `${about(event)} to ${path(event.recipient)} failed, ${peerText(event.server)}: ${peerText(event.detail)}`,
      }
    case 'alert-webhook-sent':
      return {
        word: 'webhook',
        text: `took ${about(event)} in ${durationText(event.tookMs)}`,
      }
    case 'alert-webhook-failed':
      return {
        word: 'webhook',
        text: `did not take ${about(event)} (${counted(event.attemptCount, 'attempt')}): ${peerText(event.detail)}`,
      }
  }
}

function about(event: { readonly alert: Alert['kind']; readonly domain: string }): string {
  return `${event.alert} of ${peerText(event.domain)}`
}

function alertText(alert: Alert): string {
  const domain = peerText(alert.domain)
  if (alert.kind === 'mail-delayed') {
    const reply = alert.lastReply === '' ? '' : `: ${peerText(alert.lastReply)}`
    return `${domain}: ${counted(alert.waitingCount, 'recipient')} waiting, the oldest mail for ${durationText(alert.ageMs)}; ${peerText(alert.server)}${reply}`
  }
  if (alert.kind === 'requirement-violated') {
    const checks = alert.violated.map(({ check }) => check).join(', ')
    return `${domain}: ${peerText(alert.server)} does not meet any more: ${checks}`
  }
  const reply = alert.reply === '' ? '' : `: ${peerText(alert.reply)}`
  return `${domain}: ${peerText(alert.id)} held, ${counted(alert.recipients.length, 'recipient')}, ${alert.reason}${reply}`
}
