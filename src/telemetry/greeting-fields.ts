// The fields of a log line for what is decided about clients before their session.

import type { GreetingEvent } from '#greeting/greeting.ts'
import { roundMs, type LogFields } from './log-fields.ts'
import { commandText, maxListLength, peerText } from './peer-text.ts'

export function addGreetingFields(fields: LogFields, event: GreetingEvent): void {
  if ('client' in event) {
    fields['clientAddress'] = event.client.address
    fields['clientPort'] = event.client.port
  }
  if ('mode' in event) {
    fields['mode'] = event.mode
    fields['reply'] = peerText(event.reply)
  }
  switch (event.kind) {
    case 'client-denied':
      fields['network'] = event.entry
      return
    case 'client-limited':
      fields['check'] = event.check
      fields['network'] = event.network
      fields['maxCount'] = event.maxCount
      return
    case 'client-pregreeted':
      fields['line'] = commandText(event.line)
      fields['tookMs'] = roundMs(event.tookMs)
      return
    case 'client-listed':
      fields['score'] = event.score
      fields['zones'] = event.zones.slice(0, maxListLength)
      return
    case 'client-passed':
      fields['checks'] = event.checks
      fields['score'] = event.score
      fields['zones'] = event.zones.slice(0, maxListLength)
      fields['failedZones'] = event.failedZones.slice(0, maxListLength)
      fields['tookMs'] = roundMs(event.tookMs)
      return
    case 'client-left-early':
      fields['tookMs'] = roundMs(event.tookMs)
      return
    case 'client-untested':
      fields['waitingCount'] = event.waitingCount
      return
    case 'dns-list-down':
      fields['zones'] = [event.zone]
      fields['detail'] = peerText(event.detail)
      return
    case 'dns-list-up':
      fields['zones'] = [event.zone]
      return
    case 'access-file-read':
      fields['file'] = event.file
      fields['entryCount'] = event.entryCount
      return
    case 'access-file-failed':
      fields['file'] = event.file
      fields['detail'] = peerText(event.detail)
      return
    case 'greeting-store-failed':
      fields['error'] = peerText(event.error)
  }
}
