// One event as one line for somebody at a terminal: when, which session, what happened, why.

import { cleanLine } from '#base/text.ts'
import { eventTable } from './event-table.ts'
import { describeIntake } from './human-intake.ts'
import { describeModule } from './human-modules.ts'
import { isIntakeEvent, type PforteEvent } from './pforte-event.ts'

export interface HumanLineOptions {
  /** Colours by ANSI escape sequences (ECMA-48 SGR). */
  readonly isColoured: boolean
  /** The date in front of the time: for files, which are read on other days. */
  readonly isDated: boolean
}

/** `good` and `bad` are the fate of a mail; a level above `info` has its own colour. */
export type Tone = 'plain' | 'good' | 'bad'

/** What happened in one word or two, and the rest. Not cleaned as a whole: that is done here, last. */
export interface Description {
  readonly word: string
  readonly text: string
  readonly tone?: Tone
}

const maxLineLength = 1000
const wordWidth = 12

/**
 * Without a line feed. The id is the end of the session's trace id, enough to tell sessions apart and
 * to find the whole one in the JSON log. Times are local.
 * @param timeMs wall time in milliseconds since the epoch
 */
export function humanLine(event: PforteEvent, timeMs: number, options: HumanLineOptions): string {
  const { word, text, tone = 'plain' } = describe(event)
  const time = localTime(timeMs, options.isDated)
  const id = cleanLine(shortId(event), 16).padEnd(5)
  const label = word.padEnd(wordWidth)
  const rest = cleanLine(text, maxLineLength)
  if (!options.isColoured) return `${time} ${id} ${label} ${rest}`.trimEnd()
  return `${dim}${time} ${id}${reset} ${colour(event, tone)}${label}${reset} ${rest}`.trimEnd()
}

const dim = '\u001b[2m'
const reset = '\u001b[0m'
const tones: Readonly<Record<Tone, string>> = {
  plain: '\u001b[36m',
  good: '\u001b[32m',
  bad: '\u001b[33m',
}

function colour(event: PforteEvent, tone: Tone): string {
  const { level } = eventTable[event.kind]
  if (level === 'error') return '\u001b[1;31m'
  return level === 'warning' ? '\u001b[33m' : tones[tone]
}

function describe(event: PforteEvent): Description {
  return isIntakeEvent(event) ? describeIntake(event) : describeModule(event)
}

function shortId(event: PforteEvent): string {
  if (!('session' in event) || event.session === null) return '-'
  return event.session.slice(-5)
}

function localTime(timeMs: number, isDated: boolean): string {
  const date = new Date(timeMs)
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  const text = `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`
  if (!isDated) return text
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${text}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
