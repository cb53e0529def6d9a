// Rows of served_domain to served domains and back. A row is untrusted: people mend stores by hand.

import { isDeepStrictEqual } from 'node:util'
import { failure, success, type Result } from '#base/result.ts'
import { parseDomainDocument } from './domain-document.ts'
import { messageOf, RegistryWriteError } from './errors.ts'
import type { ServedDomain } from './registry.ts'
import { createServedDomain, toDomainDocument, type DomainProblem } from './served-domain.ts'

/** In the order of the table's columns. */
export type RowValues = readonly [
  domain: string,
  document: string,
  suspendedAtMs: number | null,
  createdAtMs: number,
  changedAtMs: number,
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
  return success({
    ...served.value,
    suspension: suspension === null ? null : { reason: suspension.reason, sinceMs },
    createdAtMs: created_at_ms,
  })
}

/** Throws RegistryWriteError `invalid` for what `parseRow` would not read back as the same value. */
export function toRow(served: ServedDomain): RowValues {
  const document = JSON.stringify(toDomainDocument(served))
  const suspendedAtMs = served.suspension?.sinceMs ?? null
  const back = parseRow({
    domain: served.domain,
    document,
    suspended_at_ms: suspendedAtMs,
    created_at_ms: served.createdAtMs,
    changed_at_ms: served.changedAtMs,
  })
  if (!back.ok || !isDeepStrictEqual(back.value, served)) {
    const detail = back.ok ? 'it is not as createServedDomain makes it' : back.problem
    throw new RegistryWriteError('invalid', `${served.domain} cannot be stored: ${detail}`)
  }
  return [served.domain, document, suspendedAtMs, served.createdAtMs, served.changedAtMs]
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
