// Rows of recipients.db to entries and back.

import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import type { LastAnswer, RecipientEntry, Standing } from './entry.ts'

export type Row = Readonly<Record<string, SQLOutputValue>>

/** One row if anything is known; every column may be null. Parameters: domain, local. */
export const selectEntrySql: string = `
  SELECT r.*, p.until_ms, l.listed_at_ms
  FROM (SELECT ? AS domain, ? AS local) AS q
  LEFT JOIN recipients AS r ON r.domain = q.domain AND r.local = q.local
  LEFT JOIN pins AS p ON p.domain = q.domain AND p.local = q.local
  LEFT JOIN listed AS l ON l.domain = q.domain AND l.local = q.local
  WHERE r.id IS NOT NULL OR p.until_ms IS NOT NULL OR l.listed_at_ms IS NOT NULL`

const columns = [
  'domain',
  'local',
  'standing',
  'standing_at_ms',
  'standing_route',
  'negative_server',
  'negative_code',
  'negative_status',
  'negative_text',
  'refused_at_ms',
  'outcome',
  'source',
  'reply',
  'stage',
  'hop_server',
  'hop_address',
  'hop_port',
  'hop_tls',
  'checked_at_ms',
  'took_ms',
] as const

/** Parameters: `rowOf` of the entry. */
export const upsertEntrySql: string = `
  INSERT INTO recipients (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
  ON CONFLICT (domain, local) DO UPDATE SET
  ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}`

/** The columns of `recipients`; pins and lists are tables of their own. */
export function rowOf(entry: RecipientEntry, last: LastAnswer): SQLInputValue[] {
  const { standing } = entry
  const negative = standing?.kind === 'negative' ? standing : null
  return [
    entry.domain,
    entry.local,
    standing?.kind ?? null,
    standing?.atMs ?? null,
    standing?.routeId ?? null,
    negative?.server ?? null,
    negative?.reply.code ?? null,
    negative?.reply.status ?? null,
    negative?.reply.lines.join('\n') ?? null,
    entry.refusedAtMs,
    last.outcome,
    last.source,
    last.reply,
    last.stage,
    last.nextHop.server,
    last.nextHop.address,
    last.nextHop.port,
    last.nextHop.tls,
    Math.round(last.atMs),
    last.tookMs,
  ]
}

/** Undefined when nothing is known. What cannot be read counts as not known: it will be asked again. */
export function entryOf(domain: string, local: string, row: Row): RecipientEntry | undefined {
  const last = lastAnswerOf(row)
  const pinnedUntilMs = numberOf(row, 'until_ms') ?? 0
  const listedAtMs = numberOf(row, 'listed_at_ms')
  if (last === null && pinnedUntilMs === 0 && listedAtMs === null) return undefined
  const refusedAtMs = numberOf(row, 'refused_at_ms')
  return { domain, local, standing: standingOf(row), refusedAtMs, last, pinnedUntilMs, listedAtMs }
}

function standingOf(row: Row): Standing | null {
  const atMs = numberOf(row, 'standing_at_ms')
  const routeId = textOf(row, 'standing_route')
  if (atMs === null || routeId === null) return null
  if (row['standing'] === 'positive') return { kind: 'positive', atMs, routeId }
  const code = numberOf(row, 'negative_code')
  if (row['standing'] !== 'negative' || code === null) return null
  const status = textOf(row, 'negative_status')
  const lines = (textOf(row, 'negative_text') ?? '').split('\n')
  const server = textOf(row, 'negative_server') ?? ''
  return { kind: 'negative', atMs, routeId, server, reply: { code, status, lines } }
}

const outcomes = ['deliverable', 'undeliverable', 'unknown'] as const

function lastAnswerOf(row: Row): LastAnswer | null {
  const outcome = outcomes.find((one) => one === row['outcome'])
  const atMs = numberOf(row, 'checked_at_ms')
  if (outcome === undefined || atMs === null) return null
  return {
    outcome,
    source: row['source'] === 'delivery' ? 'delivery' : 'probe',
    reply: textOf(row, 'reply') ?? '',
    stage: textOf(row, 'stage') ?? '',
    nextHop: {
      server: textOf(row, 'hop_server') ?? '',
      address: textOf(row, 'hop_address'),
      port: numberOf(row, 'hop_port') ?? 0,
      tls: textOf(row, 'hop_tls'),
      extensions: null,
    },
    atMs,
    tookMs: numberOf(row, 'took_ms') ?? 0,
  }
}

function numberOf(row: Row, column: string): number | null {
  const value = row[column]
  return typeof value === 'number' ? value : null
}

function textOf(row: Row, column: string): string | null {
  const value = row[column]
  return typeof value === 'string' ? value : null
}
