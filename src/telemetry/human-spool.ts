// What happened in the spool and on the way out of it, in words.

import type { DeliveryEvent } from '#delivery/delivery.ts'
import type { SpoolEvent } from '#spool/spool.ts'
import { counted, durationText, path, sizeText } from './human-intake.ts'
import type { Description } from './human-line.ts'
import { peerText } from './peer-text.ts'

export function describeSpool(event: SpoolEvent | DeliveryEvent): Description {
  switch (event.kind) {
    case 'spool-opened': {
      const { entryCount, orphanCount } = event.report
      const orphans = orphanCount === 0 ? '' : `, ${counted(orphanCount, 'orphan')} removed`
      return {
        word: 'spool',
        text: `${event.folder} is open: ${counted(entryCount, 'mail')}${orphans}`,
      }
    }
    case 'spool-stopped':
      return { word: 'SPOOL STOPPED', text: `nothing is kept any more: ${peerText(event.detail)}` }
    case 'spool-short':
      return {
        word: 'DISK FULL',
        text: `new mail is deferred; free: ${sizeText(event.freeBytes)}, ${inodesText(event.freeInodeCount)}`,
      }
    case 'spool-roomy':
      return {
        word: 'disk',
        text: `new mail is taken again; free: ${sizeText(event.freeBytes)}`,
        tone: 'good',
      }
    case 'spool-entry-damaged':
      return { word: 'damaged', text: `${peerText(event.id)}: ${peerText(event.detail)}` }
    case 'spool-salvaged':
      return {
        word: 'salvaged',
        text:
          `the database was damaged: ${counted(event.keptCount, 'mail')} kept, ${event.lostCount} not readable; ` +
          `the old one is ${event.file}`,
      }
    case 'spool-measured':
      return {
        word: 'spool',
        text:
          `${counted(event.entryCount, 'mail')}, ${sizeText(event.sizeBytes)}: ` +
          `${counted(event.waitingCount, 'recipient')} waiting${ageText(event.oldestWaitingAgeMs)}, ${event.heldCount} held`,
      }
    case 'delivery-hurried':
      return {
        word: 'flush',
        text: `${counted(event.recipientCount, 'recipient')} of ${event.domain} now`,
      }
    case 'delivery-failed':
      return { word: 'delivery', text: `tried again in a moment: ${peerText(event.detail)}` }
    case 'mail-attempted':
      return attemptText(event)
  }
}

function attemptText(
  event: Extract<DeliveryEvent, { readonly kind: 'mail-attempted' }>,
): Description {
  const { attempt, relayed, deferred, held } = event
  const parts = [
    ...(relayed.length > 0 ? [`${listText(relayed)} relayed`] : []),
    ...(deferred.length > 0 ? [`${listText(deferred)} deferred`] : []),
    ...(held.length > 0 ? [`${listText(held)} held`] : []),
  ]
  const isGood = deferred.length === 0 && held.length === 0
  return {
    word: isGood ? 'delivered' : 'not delivered',
    text: `${event.mail} ${parts.join(', ')}; ${peerText(attempt.server)}: ${peerText(attempt.reply)}`,
    tone: isGood ? 'good' : 'bad',
  }
}

function listText(recipients: readonly string[]): string {
  const [first = '', ...others] = recipients
  return others.length === 0 ? path(first) : `${path(first)} and ${others.length} more`
}

function ageText(ageMs: number | null): string {
  return ageMs === null ? '' : `, the oldest for ${durationText(ageMs)}`
}

function inodesText(count: number): string {
  return Number.isFinite(count) ? counted(count, 'inode') : 'inodes without limit'
}
