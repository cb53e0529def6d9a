// Parts of the spool as people read them. Everything from outside is cleaned here.

import { cleanLine } from '#base/text.ts'
import type { Attempt, HoldReason, RecipientFate } from '#spool/spool.ts'
import type { OrderRecord, SpoolEntry, SpoolOwner, SpoolRecipient } from '#spool/spool-tools.ts'
import { timeText } from '#app/commands/recipient/print.ts'

const maxTextLength = 1000

export function sizeText(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 'B'
  for (const next of units) {
    if (value < 1000) break
    value /= 1024
    unit = next
  }
  return unit === 'B' ? `${bytes} B` : `${value.toFixed(value < 9.95 ? 1 : 0)} ${unit}`
}

/** In the two largest units: `3h 12min`. */
export function ageText(ms: number): string {
  let rest = Math.max(0, Math.round(ms / 1000))
  const parts: string[] = []
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / seconds)
    rest -= count * seconds
    if (count > 0 || parts.length > 0) parts.push(count > 0 ? `${count}${unit}` : '')
    if (parts.length === 2) break
  }
  return parts.length === 0 ? '0s' : parts.filter((part) => part !== '').join(' ')
}

/** `now`, or when and in how long. */
export function nextAttemptText(ms: number, nowMs: number): string {
  return ms <= nowMs ? 'now' : `in ${ageText(ms - nowMs)}`
}

export function pathText(address: string): string {
  return cleanLine(`<${address}>`, 400)
}

export function ownerText(owner: SpoolOwner | null): string {
  if (owner === null) return 'not running on this spool'
  const { pid, host, sinceMs } = owner
  return cleanLine(`running, process ${pid} on ${host} since ${timeText(sinceMs)}`, 300)
}

const reasonTexts: Readonly<Record<HoldReason, string>> = {
  refused: 'refused by its server',
  expired: 'too old',
  'not-served': 'its domain is not served any more',
  damaged: 'its content is damaged',
  ordered: 'by order',
}

export function holdReasonText(reason: HoldReason): string {
  return reasonTexts[reason]
}

/** `waiting, next attempt in 4min`, `held since …: refused by its server`. */
export function fateText(fate: RecipientFate, nowMs: number): string {
  if (fate.kind === 'waiting') {
    return `waiting, next attempt ${nextAttemptText(fate.nextAttemptMs, nowMs)}`
  }
  return `held since ${timeText(fate.sinceMs)}: ${holdReasonText(fate.reason)}`
}

/** `<alice@inst.example>  waiting, next attempt now, 3 attempts: 451 try later` */
export function recipientText(recipient: SpoolRecipient, nowMs: number): string {
  const { address, fate, attemptCount, reply, movedTo } = recipient
  const moved = movedTo === null ? '' : `, moved to ${movedTo}`
  const said = reply === '' ? '' : `: ${reply}`
  const facts = `${fateText(fate, nowMs)}${moved}, ${count(attemptCount, 'attempt')}${said}`
  return `${pathText(address)}  ${cleanLine(facts, maxTextLength)}`
}

/** `ID  2026-…Z (3h 12min)  1.2 KiB  from <bob@sender.example>` */
export function entryLine(entry: SpoolEntry, nowMs: number): string {
  const { id, receivedAtMs, sizeBytes, reversePath } = entry
  const age = ageText(nowMs - receivedAtMs)
  const when = `${timeText(receivedAtMs)} (${age})`
  return `${cleanLine(id, 100)}  ${when}  ${sizeText(sizeBytes)}  from ${pathText(reversePath)}`
}

/** `2026-…Z  deferred  mail.inst.example [192.0.2.25]  TLSv1.3  12 ms`, the words in a line of their own. */
export function attemptText(attempt: Attempt): readonly string[] {
  const { atMs, outcome, domain, server, address, tls, reply, tookMs } = attempt
  const place = `${server} ${address === null ? 'not reached' : `[${address}]`}`
  const facts = `for ${domain}  ${place}  ${tls ?? 'no TLS'}  ${Math.round(tookMs)} ms`
  const line = cleanLine(`${timeText(atMs)}  ${outcome}  ${facts}`, maxTextLength)
  return reply === '' ? [line] : [line, `    ${cleanLine(reply, maxTextLength)}`]
}

export function orderText(record: OrderRecord): string {
  const { atMs, order, by, reason, detail } = record
  const to = detail === '' ? '' : ` to ${detail}`
  return cleanLine(`${timeText(atMs)}  ${order}${to} by ${by}: ${reason}`, maxTextLength)
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** `3 recipients of 2 mails` */
export function countText(result: {
  readonly recipientCount: number
  readonly entryCount: number
}): string {
  return `${count(result.recipientCount, 'recipient')} of ${count(result.entryCount, 'mail')}`
}
