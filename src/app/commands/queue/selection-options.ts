// The options that say which mail is meant, the same for every queue command.

import { cleanLine } from '#base/text.ts'
import { parseDuration } from '#base/units.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import type { Selection } from '#spool/spool-tools.ts'
import { UsageError } from '#app/command.ts'

/** For `parseArguments`. */
export const selectionOptions: {
  readonly [Name in keyof SelectionValues]-?: SelectionValues[Name] extends string | undefined
    ? { readonly type: 'string' }
    : { readonly type: 'boolean' }
} = {
  domain: { type: 'string' },
  recipient: { type: 'string' },
  sender: { type: 'string' },
  'older-than': { type: 'string' },
  'newer-than': { type: 'string' },
  held: { type: 'boolean' },
  waiting: { type: 'boolean' },
}

export const selectionUsage: string = `  ID ...         these mails only
  --domain NAME, --recipient ADDRESS
                 recipients of that domain, or that one
  --sender ADDRESS
                 mails with that reverse-path; '<>' is the null reverse-path
  --older-than TIME, --newer-than TIME
                 received longer ago, or later, than such as 90min, 2h or 3d
  --held, --waiting
                 recipients in the hold, or waiting for their next attempt
`

export interface SelectionValues {
  readonly domain?: string
  readonly recipient?: string
  readonly sender?: string
  readonly 'older-than'?: string
  readonly 'newer-than'?: string
  readonly held?: boolean
  readonly waiting?: boolean
}

/** All conditions together. Throws a UsageError that names the option at fault. */
export function selectionOf(
  values: SelectionValues,
  ids: readonly string[],
  nowMs: number,
): Selection {
  if (values.held === true && values.waiting === true) {
    throw new UsageError('--held and --waiting: no recipient is both')
  }
  const { domain, recipient, sender } = values
  return {
    ...(ids.length > 0 && { ids: ids.map(idOf) }),
    ...(domain !== undefined && { domain: domainOf(domain) }),
    ...(recipient !== undefined && { recipient: addressOf('--recipient', recipient) }),
    ...(sender !== undefined && { sender: senderOf(sender) }),
    ...(values['older-than'] !== undefined && {
      receivedBeforeMs: nowMs - durationOf('--older-than', values['older-than']),
    }),
    ...(values['newer-than'] !== undefined && {
      receivedAfterMs: nowMs - durationOf('--newer-than', values['newer-than']),
    }),
    ...(values.held === true && { fate: 'held' }),
    ...(values.waiting === true && { fate: 'waiting' }),
  }
}

export function isEverything(selection: Selection): boolean {
  return Object.keys(selection).length === 0
}

export function idOf(text: string): string {
  if (/^[\w.-]{1,100}$/.test(text)) return text
  throw new UsageError(`'${cleanLine(text, 80)}' is not the id of a mail; see pforte queue list`)
}

function domainOf(text: string): string {
  const domain = parseDomain(text)
  if (!domain.ok) throw new UsageError(`--domain '${cleanLine(text, 80)}': ${domain.problem}`)
  return domain.value
}

function senderOf(text: string): string {
  return text === '' || text === '<>' ? '' : addressOf('--sender', text)
}

function addressOf(option: string, text: string): string {
  const mailbox = parseMailbox(text.replace(/^<(.*)>$/, '$1'))
  if (mailbox.ok) return `${mailbox.value.local}@${mailbox.value.domain}`
  throw new UsageError(`${option} '${cleanLine(text, 80)}': ${mailbox.problem}`)
}

function durationOf(option: string, text: string): number {
  const duration = parseDuration(text)
  if (!duration.ok) throw new UsageError(`${option} '${cleanLine(text, 80)}': ${duration.problem}`)
  return duration.value
}
