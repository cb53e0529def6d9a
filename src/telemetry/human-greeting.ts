// What was decided about clients before their session, in words.

import type { GreetingEvent } from '#greeting/greeting.ts'
import { counted, durationText } from './human-intake.ts'
import type { Description } from './human-line.ts'
import { endpointText } from './log-fields.ts'
import { commandText, peerText } from './peer-text.ts'

export function describeGreeting(event: GreetingEvent): Description {
  switch (event.kind) {
    case 'client-denied':
      return failed('denied', event, `by the entry ${event.entry}`)
    case 'client-limited':
      return failed(
        'limited',
        event,
        event.check === 'connections'
          ? `${event.network} has ${event.maxCount} connections`
          : `${event.network} made ${event.maxCount} connections within a minute`,
      )
    case 'client-pregreeted': {
      const after = durationText(event.tookMs)
      return failed('pregreet', event, `spoke after ${after}: ${commandText(event.line)}`)
    }
    case 'client-listed':
      return failed('listed', event, `score ${event.score}: ${event.zones.join(', ')}`)
    case 'client-passed':
      return {
        word: 'passed',
        text: `${endpointText(event.client)}: ${event.checks.join(', ')} in ${durationText(event.tookMs)}${listsText(event)}`,
        tone: 'good',
      }
    case 'client-left-early':
      return {
        word: 'left early',
        text: `${endpointText(event.client)} after ${durationText(event.tookMs)}, before its banner`,
      }
    case 'client-untested':
      return {
        word: 'untested',
        text: `${endpointText(event.client)}: let through, ${counted(event.waitingCount, 'client')} wait already`,
      }
    case 'dns-list-down':
      return { word: 'list down', text: `${event.zone}: ${peerText(event.detail)}` }
    case 'dns-list-up':
      return { word: 'list up', text: event.zone }
    case 'access-file-read':
      return {
        word: 'networks',
        text: `${event.entryCount} of ${peerText(event.file)} are in force`,
      }
    case 'access-file-failed':
      return {
        word: 'networks',
        text: `not read, those before stay in force: ${peerText(event.file)}: ${peerText(event.detail)}`,
      }
    case 'greeting-store-failed':
      return {
        word: 'store failed',
        text: `clients that passed are not stored: ${peerText(event.error)}`,
      }
  }
}

type Failed = Extract<GreetingEvent, { readonly mode: string }>

function failed(word: string, { client, mode, reply }: Failed, why: string): Description {
  const fate = mode === 'enforce' ? peerText(reply) : `would get ${peerText(reply)}`
  const tone = mode === 'enforce' ? 'bad' : 'plain'
  return { word, text: `${endpointText(client)} ${why}; ${fate}`, tone }
}

function listsText({
  score,
  zones,
  failedZones,
}: Extract<GreetingEvent, { readonly kind: 'client-passed' }>): string {
  const by = zones.length === 0 ? '' : ` (${zones.join(', ')})`
  const silent = failedZones.length === 0 ? '' : `; no answer of ${failedZones.join(', ')}`
  return score === null ? '' : `, score ${score}${by}${silent}`
}
