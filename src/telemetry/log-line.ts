// One event as one JSON line: flat, with stable field names, fit for a log store.

import { eventTable } from './event-table.ts'
import { addIntakeFields } from './intake-fields.ts'
import { addModuleFields } from './module-fields.ts'
import type { LogFields } from './log-fields.ts'
import { isIntakeEvent, type PforteEvent } from './pforte-event.ts'

/**
 * The fields of one line: `time` (ISO 8601, UTC, milliseconds), `level`, `event`, the ids, the rest.
 * Text of peers is cleaned and cut to 512 UTF-16 units, lists to 100 entries.
 * @param timeMs wall time in milliseconds since the epoch
 */
export function logFields(event: PforteEvent, timeMs: number): LogFields {
  const fields: LogFields = {
    time: isoTime(timeMs),
    level: eventTable[event.kind].level,
    event: event.kind,
  }
  if (isIntakeEvent(event)) addIntakeFields(fields, event)
  else addModuleFields(fields, event)
  return fields
}

/** Without a line feed at the end; there is none inside either. */
export function encodeLogLine(event: PforteEvent, timeMs: number): string {
  return JSON.stringify(logFields(event, timeMs))
}

let secondStartMs = NaN
let secondText = ''

/** As `Date.toISOString`; the text of the second is kept, for a busy relay logs thousands in one. */
function isoTime(timeMs: number): string {
  const ms = Math.floor(timeMs) % 1000
  const startMs = Math.floor(timeMs) - ms
  if (startMs !== secondStartMs) {
    secondStartMs = startMs
    secondText = new Date(startMs).toISOString().slice(0, 20)
  }
  return `${secondText}${String(ms).padStart(3, '0')}Z`
}
