// Servers that were looked at again: the fields of a log line, and the words of it.

import type { RecheckEvent } from '#compliance/recheck-event.ts'
import { counted, durationText } from './human-intake.ts'
import type { Description } from './human-line.ts'
import { roundMs, type LogFields } from './log-fields.ts'
import { peerText } from './peer-text.ts'

export function addRecheckFields(fields: LogFields, event: RecheckEvent): void {
  fields['domain'] = peerText(event.domain)
  fields['server'] = peerText(event.server)
  switch (event.kind) {
    case 'recheck-finished':
      fields['checkCount'] = event.checkCount
      fields['suspicionCount'] = event.suspicionCount
      fields['tookMs'] = roundMs(event.tookMs)
      return
    case 'recheck-failed':
      fields['detail'] = peerText(event.detail)
      return
    case 'verdict-changed':
      fields['check'] = event.check
      fields['severity'] = event.severity
      fields['was'] = event.was
      fields['finding'] = event.verdict
      fields['detail'] = peerText(event.detail)
  }
}

export function describeRecheck(event: RecheckEvent): Description {
  const about = `${peerText(event.domain)}: ${peerText(event.server)}`
  switch (event.kind) {
    case 'recheck-finished': {
      const { checkCount, suspicionCount, tookMs } = event
      const suspicions =
        suspicionCount === 0 ? '' : `, ${suspicionCount} seen otherwise, once so far`
      return {
        word: 'recheck',
        text: `${about}, ${counted(checkCount, 'check')} in ${durationText(tookMs)}${suspicions}`,
      }
    }
    case 'recheck-failed':
      return { word: 'recheck', text: `${about}: ${peerText(event.detail)}` }
    case 'verdict-changed':
      return {
        word: 'CHANGED',
        text: `${about}: ${event.check} (${event.severity}) was ${event.was}, is ${event.verdict}: ${peerText(event.detail)}`,
      }
  }
}
