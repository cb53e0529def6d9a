// A plan as people read it: one line a domain, + added, ~ changed, - removed.

import { cleanLine } from '#base/text.ts'
import type { FieldChange, Plan, PlannedChange } from '#registry/plan.ts'
import { routeText } from './print.ts'

export function planText({ changes }: Plan): string {
  return changes.map((change) => `${planLine(change)}\n`).join('')
}

/** `tls "none" -> "verify"; contact "x" -> not set` */
export function changeText(fields: readonly FieldChange[]): string {
  const texts = fields.map(
    ({ field, from, to }) => `${field} ${valueText(from)} -> ${valueText(to)}`,
  )
  return cleanLine(texts.join('; '), 2000)
}

/** Certificates are long. */
function valueText(value: string | null): string {
  return value === null ? 'not set' : cleanLine(value, 300)
}

function planLine(change: PlannedChange): string {
  const { domain } = change.domain
  switch (change.kind) {
    case 'add':
      return `+ ${domain}: ${routeText(change.domain)}`
    case 'change':
      return `~ ${domain}: ${changeText(change.fields)}`
    case 'remove':
      return `- ${domain}`
  }
}
