// Rows of served_domain to served domains and back. A row is untrusted: people mend stores by hand.

import { isDeepStrictEqual } from 'node:util'
import { failure, success, type Result } from '#base/result.ts'
import { parseDomainDocument, parseMeasured } from './domain-document.ts'
import { messageOf, RegistryWriteError } from './errors.ts'
import type { MeasuredProfile, ServedDomain } from './registry.ts'
import { createServedDomain, toDomainDocument, type DomainProblem } from './served-domain.ts'
import { withMeasured } from './server-profile.ts'

/** In the order of the table's columns. */
export type RowValues = readonly [
  domain: string,
  document: string,
  suspendedAtMs: number | null,
  createdAtMs: number,
  changedAtMs: number,
  measured: string | null,
]

export type Row = Readonly<Record<string, unknown>>

/** Reads a row; the problem says what is wrong with it, for people. */
export function parseRow(row: Row): Result<ServedDomain> {
  const { domain, document, suspended_at_ms, created_at_ms, changed_at_ms } = row
  if (typeof document !== 'string') return failure('the document is not text')
  if (typeof created_at_ms !== 'number' || typeof changed_at_ms !== 'number') {
    return failure('a time is missing')
  }
  const parsed = parseJson(document)
  if (!parsed.ok) return parsed
  const shape = parseDomainDocument(parsed.value)
  if (!shape.ok) return failure(problemText(shape.problem[0]))
  const served = createServedDomain(shape.value, changed_at_ms)
  if (!served.ok) return failure(problemText(served.problem))
  if (served.value.domain !== domain) return failure(`its document is of ${served.value.domain}`)
  const sinceMs = typeof suspended_at_ms === 'number' ? suspended_at_ms : changed_at_ms
  const { suspension } = served.value
  const measured = measuredOf(row['measured'])
  if (!measured.ok) return measured
  const read = {
    ...served.value,
    suspension: suspension === null ? null : { reason: suspension.reason, sinceMs },
    createdAtMs: created_at_ms,
  }
  return success(withMeasured(read, measured.value))
}

function measuredOf(value: unknown): Result<MeasuredProfile | null> {
  if (value === null || value === undefined) return success(null)
  const parsed = parseJson(typeof value === 'string' ? value : '')
  if (!parsed.ok) return parsed
  const measured = parseMeasured(parsed.value)
  return measured.ok ? measured : failure(problemText(measured.problem))
}

/** Throws RegistryWriteError `invalid` for what `parseRow` would not read back as the same value. */
export function toRow(served: ServedDomain): RowValues {
  const document = JSON.stringify(toDomainDocument(served))
  const suspendedAtMs = served.suspension?.sinceMs ?? null
  const measured = served.measured === null ? null : JSON.stringify(served.measured)
  const back = parseRow({
    domain: served.domain,
    document,
    suspended_at_ms: suspendedAtMs,
    created_at_ms: served.createdAtMs,
    changed_at_ms: served.changedAtMs,
    measured,
  })
  if (!back.ok || !isDeepStrictEqual(back.value, served)) {
    const detail = back.ok ? 'it is not as createServedDomain makes it' : back.problem
    throw new RegistryWriteError('invalid', `${served.domain} cannot be stored: ${detail}`)
  }
  const { domain, createdAtMs, changedAtMs } = served
  return [domain, document, suspendedAtMs, createdAtMs, changedAtMs, measured]
}

function parseJson(text: string): Result<unknown> {
  try {
    return success(JSON.parse(text))
  } catch (error) {
    return failure(messageOf(error))
  }
}

function problemText({ path, text }: DomainProblem): string {
  return path.length === 0 ? text : `${path.join('.')}: ${text}`
}
