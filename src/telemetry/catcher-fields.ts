// What was caught of test mails: the fields of its log line, and its words.

import type { CatcherEvent, Returned } from '#catcher/catcher.ts'
import type { Description } from './human-line.ts'
import { durationText } from './human-intake.ts'
import { roundMs, type LogFields } from './log-fields.ts'
import { peerText } from './peer-text.ts'

export function addCatcherFields(fields: LogFields, event: CatcherEvent): void {
  if (event.kind === 'catcher-failed') {
    fields['error'] = peerText(event.error)
    return
  }
  const { found, run, check, token, afterMs } = event
  fields['run'] = run
  fields['check'] = check
  fields['token'] = token
  fields['returned'] = kindOf(found.returned)
  fields['detail'] = peerText(wordsOf(found.returned))
  fields['clientAddress'] = found.client
  fields['greetingName'] = peerText(found.greeting)
  fields['reversePath'] = peerText(found.returnPath)
  fields['sizeBytes'] = found.sizeBytes
  fields['afterMs'] = roundMs(afterMs)
}

export function describeCatcher(event: CatcherEvent): Description {
  if (event.kind === 'catcher-failed') {
    return { word: 'store failed', text: `the catcher: ${peerText(event.error)}` }
  }
  const { found, run, check, afterMs } = event
  const words = peerText(wordsOf(found.returned))
  return {
    word: 'came back',
    text:
      `${kindOf(found.returned)} to ${check} of run ${run} after ${durationText(afterMs)} ` +
      `from ${found.client}${words === '' ? '' : `: ${words}`}`,
  }
}

/** `report failed`, `auto-reply` */
export function kindOf(returned: Returned): string {
  const hasAction = returned.kind === 'report' || returned.kind === 'bounce'
  return hasAction ? `${returned.kind} ${returned.action}` : returned.kind
}

function wordsOf(returned: Returned): string {
  switch (returned.kind) {
    case 'report':
      return returned.diagnostic || returned.status
    case 'bounce':
      return returned.diagnostic
    case 'broken-off':
      return returned.detail
    case 'callback':
      return ''
    case 'receipt':
    case 'auto-reply':
    case 'mail':
      return returned.subject
  }
}
