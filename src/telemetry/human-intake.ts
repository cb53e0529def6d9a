// What happened in a session, in words.

import type { IntakeEvent, TransferSummary } from '#intake/intake-event.ts'
import type { Verdict } from '#verdict/verdict.ts'
import type { Description, Tone } from './human-line.ts'
import { endpointText } from './log-fields.ts'
import { commandText, errorText, peerText } from './peer-text.ts'

export function describeIntake(event: IntakeEvent): Description {
  switch (event.kind) {
    case 'session-opened':
      return {
        word: 'connected',
        text: `${endpointText(event.client)} to ${endpointText(event.listener)}`,
      }
    case 'session-refused':
      return {
        word: 'sent away',
        text: `${endpointText(event.client)}: ${event.reason}${event.detail === undefined ? '' : `, ${peerText(event.detail)}`}`,
      }
    case 'strain-began':
      return {
        word: 'STRAIN',
        text: `${event.sessionCount} of ${event.maxSessionCount} sessions: less time for each`,
      }
    case 'strain-ended':
      return {
        word: 'no strain',
        text: `${counted(event.sessionCount, 'session')}, after ${durationText(event.forMs)}`,
      }
    case 'guessing-seen':
      return {
        word: 'guessing',
        text: `${peerText(event.network)}: more than ${event.limit} ${event.budget} (${event.mode})`,
      }
    case 'greeted':
      return {
        word: 'greeted',
        text: `${event.isExtended ? 'EHLO' : 'HELO'} ${peerText(event.name)}`,
      }
    case 'tls-established':
      return {
        word: 'encrypted',
        text: `${event.protocol} ${event.cipher}${event.resumed ? ', resumed' : ''}${certificateText(event.clientCertificate)}`,
      }
    case 'tls-failed':
      return { word: 'TLS failed', text: peerText(event.detail) }
    case 'sender-judged':
      return {
        ...fate(event.verdict, 'sender'),
        text: `from ${path(event.reversePath)}: ${why(event.verdict, event.reply)}`,
      }
    case 'recipient-judged':
      return {
        ...fate(event.verdict, 'recipient'),
        text:
          `${path(event.recipient)} from ${path(event.reversePath)}: ` +
          `${why(event.verdict, event.reply)}${sourceText(event.source, event.tookMs)}`,
      }
    case 'rule-observed':
      return {
        word: 'observed',
        text:
          `${event.rule} would have refused ${path(event.recipient)} from ` +
          `${path(event.reversePath)} by ${event.clientAddress}${reasonText(event.verdict)}`,
      }
    case 'greylist-passed':
      return {
        word: 'came back',
        text: `${event.clientAddress} after ${durationText(event.waitedMs)}, known from now on`,
      }
    case 'mail-finished':
      return { ...fate(event.verdict, 'mail'), text: mailText(event) }
    case 'protocol-error':
      return {
        word: 'protocol',
        text: `${peerText(event.detail)}: ${commandText(event.line)}`,
        tone: 'bad',
      }
    case 'session-closed':
      return {
        word: 'closed',
        text:
          `${endpointText(event.client)}: ${event.reason} after ${durationText(event.durationMs)}, ` +
          `${counted(event.mailCount, 'mail')}, ${counted(event.commandCount, 'command')}, ` +
          sizeText(event.receivedBytes),
      }
    case 'internal-error':
      return { word: 'BUG', text: errorText(event.error).replaceAll(/\n\s*/g, ' | ') }
  }
}

/** `<>` for the null reverse-path. */
export function path(text: string): string {
  return `<${peerText(text)}>`
}

/** `850 ms`, `1.2 s`, `3 min 5 s`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** `900 B`, `12.3 KiB`, `50.0 MiB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`
  return bytes < 1024 ** 3
    ? `${(bytes / 1024 ** 2).toFixed(1)} MiB`
    : `${(bytes / 1024 ** 3).toFixed(1)} GiB`
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

type Subject = 'sender' | 'recipient' | 'mail'

const words: Readonly<Record<Verdict['kind'], Readonly<Record<Subject, string>>>> = {
  accept: { sender: 'sender ok', recipient: 'recipient ok', mail: 'relayed' },
  defer: { sender: 'not now', recipient: 'not now', mail: 'deferred' },
  reject: { sender: 'refused', recipient: 'refused', mail: 'rejected' },
}

function fate(verdict: Verdict, subject: Subject): { word: string; tone: Tone } {
  return { word: words[verdict.kind][subject], tone: verdict.kind === 'accept' ? 'good' : 'bad' }
}

function why(verdict: Verdict, reply: string): string {
  const reason = verdict.kind === 'accept' ? '' : `${verdict.reason.kind}, `
  return `${reason}${peerText(reply)}`
}

function reasonText(verdict: Verdict): string {
  if (verdict.kind === 'accept') return ''
  const { reason } = verdict
  if ('name' in reason) return `: ${reason.kind}, ${peerText(reason.name)}`
  if ('domain' in reason) return `: ${reason.kind}, ${peerText(reason.domain)}`
  return `: ${reason.kind}`
}

function sourceText(source: string | null, tookMs: number): string {
  if (source === null) return ''
  return source === 'live' ? ` (asked, ${durationText(tookMs)})` : ` (${source})`
}

function mailText(event: Extract<IntakeEvent, { readonly kind: 'mail-finished' }>): string {
  const [first, ...others] = event.recipients
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  const envelope = `${path(event.reversePath)} to ${path(first ?? '')}${more}`
  const timing = `received in ${durationText(event.receiveMs)}, handed over in ${durationText(event.handoverMs)}`
  const kept =
    event.takenOver.length === 0
      ? ''
      : `, ${counted(event.takenOver.length, 'recipient')} taken over`
  const transfers = event.transfers.slice(0, 3).map(transferText).join('')
  const gone = event.isClientGone ? ', client did not wait' : ''
  return `${envelope}, ${sizeText(event.sizeBytes)}, ${timing}${kept}${gone}: ${why(event.verdict, event.reply)}${transfers}`
}

function transferText({ server, address, outcome, reply }: TransferSummary): string {
  return `; ${peerText(server)}${address === null ? '' : ` [${address}]`} ${outcome}: ${peerText(reply)}`
}

function certificateText(clientCertificate: string | undefined): string {
  return clientCertificate === undefined ? '' : `, certificate ${peerText(clientCertificate)}`
}
