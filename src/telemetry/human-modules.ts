// What happened outside of sessions, in words.

import type { NextHopFacts, NoAnswer } from '#nexthop/nexthop.ts'
import type { CalloutOutcome } from '#recipients/recipients.ts'
import { describeCatcher } from './catcher-fields.ts'
import { describeAlert } from './human-alerts.ts'
import { describeGreeting } from './human-greeting.ts'
import { counted, durationText, path } from './human-intake.ts'
import type { Description } from './human-line.ts'
import { describeRecheck } from './recheck-words.ts'
import { describeSpool } from './human-spool.ts'
import { endpointText } from './log-fields.ts'
import type { ModuleEvent } from './pforte-event.ts'
import { peerReplyText, peerText } from './peer-text.ts'

export function describeModule(event: ModuleEvent): Description {
  switch (event.kind) {
    case 'next-hop-connected':
      return {
        word: 'next hop',
        text: `connected to ${serverText(event.nextHop)} for ${event.purpose} in ${durationText(event.tookMs)}`,
      }
    case 'next-hop-failed':
      return { word: 'next hop', text: `${serverText(event.nextHop)}: ${causeText(event.cause)}` }
    case 'next-hop-down':
      return {
        word: 'DOWN',
        text: `${peerText(event.route)}, asked again until it answers; last: ${causeText(event.cause)}`,
      }
    case 'next-hop-up':
      return {
        word: 'up again',
        text: `${peerText(event.route)} after ${durationText(event.downForMs)}`,
        tone: 'good',
      }
    case 'recipient-asked':
      return {
        word: 'asked',
        text:
          `${serverText(event.nextHop)} for ${path(event.recipient)} (${event.purpose}), ` +
          `${durationText(event.tookMs)}: ${outcomeText(event.outcome)}`,
      }
    case 'recipient-demoted':
      return {
        word: 'demoted',
        text: `${path(event.recipient)} by ${event.by}: ${peerReplyText(event.reply)}`,
      }
    case 'catch-all-found':
      return {
        word: 'catch-all',
        text: `the server of ${peerText(event.domain)} accepts any recipient, even ${path(event.recipient)}`,
      }
    case 'recipient-store-failed':
      return { word: 'store failed', text: `recipients are not stored: ${peerText(event.error)}` }
    case 'greylist-failed':
      return {
        word: 'store failed',
        text: `greylisting lets everything pass: ${peerText(event.error)}`,
      }
    case 'alert-raised':
    case 'alert-mail-sent':
    case 'alert-mail-skipped':
    case 'alert-mail-failed':
    case 'alert-webhook-sent':
    case 'alert-webhook-failed':
      return describeAlert(event)
    case 'late-refusal': {
      const [first = '', ...others] = event.recipients
      const more = others.length === 0 ? '' : ` and ${others.length} more`
      const what = event.at === 'content' ? 'the content for' : 'the recipient'
      return {
        word: 'LATE NO',
        text: `${peerText(event.server)} refuses ${what} ${path(first)}${more}, ${peerText(event.mail)}: ${peerText(event.reply)}`,
      }
    }
    case 'recheck-finished':
    case 'recheck-failed':
    case 'verdict-changed':
      return describeRecheck(event)
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
      return describeGreeting(event)
    case 'return-caught':
    case 'catcher-failed':
      return describeCatcher(event)
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
      return describeSpool(event)
    case 'registry-changed':
      return {
        word: 'registry',
        text: `${counted(event.domains.length, 'domain')} changed: ${listText(event.domains)}`,
      }
    case 'registry-unreadable':
      return { word: 'registry', text: `cannot be read: ${peerText(event.error)}` }
    case 'started':
      return {
        word: 'started',
        text: `pforte ${event.version} as ${event.hostname}, ${event.listeners.map(endpointText).join(', ')}`,
      }
    case 'listening':
      return { word: 'listening', text: `${event.service} on ${endpointText(event.listener)}` }
    case 'config-reloaded':
      return {
        word: 'config',
        text:
          event.needsRestart.length === 0
            ? 'read again and in force'
            : `read again; only after a restart: ${listText(event.needsRestart)}`,
      }
    case 'config-reload-failed':
      return {
        word: 'config',
        text: `not reloaded, the one before stays in force: ${listText(event.problems)}`,
      }
    case 'certificates-reloaded':
      return { word: 'certificates', text: 'read again and in use' }
    case 'certificates-failed':
      return {
        word: 'certificates',
        text: `not read, the ones before stay in use: ${peerText(event.detail)}`,
      }
    case 'shedding-began':
      return {
        word: 'SHEDDING',
        text: `${event.shortage}: ${loadText(event.shortage, event.value)}, limit ${loadText(event.shortage, event.limit)}; new sessions get 421`,
      }
    case 'shedding-ended':
      return {
        word: 'enough again',
        text: `${event.shortage}, after ${durationText(event.forMs)}`,
        tone: 'good',
      }
    case 'accept-failed':
      return {
        word: 'not accepted',
        text: `${counted(event.count, 'connection')}: ${peerText(event.detail)}`,
      }
    case 'exceptions-reloaded':
      return {
        word: 'exceptions',
        text: `read again and in force: ${event.entryCount === 1 ? '1 entry' : `${event.entryCount} entries`}`,
      }
    case 'exceptions-failed':
      return {
        word: 'exceptions',
        text: `not read, the list before stays: ${peerText(event.detail)}`,
      }
    case 'process-started':
      return { word: 'process', text: `${event.name} started, pid ${event.pid}` }
    case 'process-ended':
      return { word: 'process', text: `${event.name} ended, pid ${event.pid}: ${event.how}` }
    case 'process-lost':
      return { word: 'PROCESS LOST', text: `${event.name}, pid ${event.pid}: ${event.how}` }
    case 'rehearsed':
      return {
        word: 'rehearsed',
        text: `${counted(event.mailCount, 'mail')} in ${durationText(event.tookMs)}`,
      }
    case 'rehearsal-failed':
      return { word: 'not rehearsed', text: peerText(event.detail) }
    case 'draining':
      return {
        word: 'draining',
        text: `no new sessions, ${counted(event.sessionCount, 'session')} to finish`,
      }
    case 'stopped':
      return { word: 'stopped', text: '' }
  }
}

function loadText(shortage: string, value: number): string {
  return shortage === 'loop-late' ? durationText(value) : `${Math.round(value)} %`
}

function serverText({ server, address, port, tls }: NextHopFacts): string {
  const where = address === null ? '' : ` ${endpointText({ address, port })}`
  return `${peerText(server)}${where}${tls === null ? '' : `, ${peerText(tls)}`}`
}

function causeText({ kind, stage, detail, reply }: NoAnswer): string {
  const said = reply === null ? '' : ` (${peerReplyText(reply)})`
  return `${kind} at ${stage}, ${peerText(detail)}${said}`
}

function outcomeText(outcome: CalloutOutcome): string {
  if (outcome.kind !== 'unknown') return `${outcome.kind}, ${peerReplyText(outcome.reply)}`
  const { cause } = outcome
  if (cause.kind === 'no-answer') return `unknown, ${causeText(cause.noAnswer)}`
  return `unknown, ${cause.kind}, ${peerReplyText(cause.reply)}`
}

function listText(texts: readonly string[]): string {
  const more = texts.length > 5 ? `, and ${texts.length - 5} more` : ''
  return texts.slice(0, 5).map(peerText).join(', ') + more
}
