// What is known of a recipient, as people and as programs read it.

import { cleanLine } from '#base/text.ts'
import { replyText } from '#smtp/reply.ts'
import type { NextHopFacts } from '#nexthop/nexthop.ts'
import type { CalloutOutcome, RecipientAnswer, RecipientRecord } from '#recipients/recipients.ts'

/** Every key is always there; times are ISO 8601 in UTC. */
export function recordJson(record: RecipientRecord): Readonly<Record<string, unknown>> {
  const { nextHop, standing } = record
  return {
    address: record.address,
    outcome: record.outcome,
    source: record.source,
    reply: record.reply,
    stage: record.stage,
    server:
      nextHop === null
        ? null
        : { name: nextHop.server, address: nextHop.address, port: nextHop.port, tls: nextHop.tls },
    checkedAt: timeText(record.checkedAtMs),
    tookMs: Math.round(record.tookMs),
    validUntil: record.validUntilMs === null ? null : timeText(record.validUntilMs),
    standing:
      standing === null ? null : { outcome: standing.outcome, since: timeText(standing.sinceMs) },
  }
}

/** One line a fact. Peer text is cleaned. */
export function recordText(record: RecipientRecord): string {
  const { nextHop, standing } = record
  const rows: (readonly [string, string])[] = [
    ['outcome', record.outcome],
    ['by', sourceText(record)],
  ]
  if (nextHop !== null) rows.push(['server', serverText(nextHop)], ['tls', nextHop.tls ?? 'none'])
  if (record.stage !== '') rows.push(['stage', record.stage])
  if (record.reply !== '') rows.push(['reply', record.reply])
  if (nextHop !== null) {
    const took = `${Math.round(record.tookMs)} ms`
    const isTimed = record.source === 'probe'
    rows.push(['asked', `${timeText(record.checkedAtMs)}${isTimed ? `, took ${took}` : ''}`])
  }
  if (standing !== null && standing.outcome !== record.outcome) {
    rows.push(['remembered', `${standing.outcome}, ${timeText(standing.sinceMs)}`])
  }
  const lines = rows.map(([name, value]) => `  ${name.padEnd(10)} ${cleanLine(value, 1000)}\n`)
  return `${cleanLine(record.address, 400)}\n${lines.join('')}`
}

/** What the client would get now. */
export function answerText({ verdict, source }: RecipientAnswer): string {
  const why = verdict.kind === 'accept' ? '' : `: ${verdict.reason.kind}`
  return `${verdict.kind}${why}${source === 'pin' ? ' (pinned)' : ''}`
}

/** The reply as it came, one cleaned line a line; '' when there was none. */
export function rawReply(outcome: CalloutOutcome): readonly string[] {
  const reply = replyOf(outcome)
  if (reply === null) return []
  const lines = reply.lines.length > 1 ? reply.lines : [replyText(reply)]
  const last = lines.length - 1
  return lines.slice(0, 50).map((line, index) => {
    const code = lines.length === 1 ? '' : `${reply.code}${index === last ? ' ' : '-'}`
    const status = lines.length === 1 || reply.status === null ? '' : `${reply.status} `
    return cleanLine(`${code}${status}${line}`, 1000)
  })
}

function replyOf(outcome: CalloutOutcome): Parameters<typeof replyText>[0] | null {
  if (outcome.kind !== 'unknown') return outcome.reply
  return outcome.cause.kind === 'no-answer' ? outcome.cause.noAnswer.reply : outcome.cause.reply
}

function sourceText(record: RecipientRecord): string {
  switch (record.source) {
    case 'probe':
      return 'a question to its server'
    case 'delivery':
      return 'a delivery to its server'
    case 'pin':
      return `a pin until ${timeText(record.validUntilMs ?? 0)}`
    case 'list':
      return `the recipient list of ${timeText(record.checkedAtMs)}`
  }
}

function serverText({ server, address, port }: NextHopFacts): string {
  const at = address === null ? 'not reached' : `[${address}]:${port}`
  return `${server} ${at}`
}

export function timeText(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString()
}
