// What a DNS check is: a judgement of what was asked, without asking itself.

import { met, undetermined, violated, type Finding, type Severity } from '#compliance/check.ts'
import type { DnsReply, DnsRecord } from '#dns/query.ts'
import { cleanLine } from '#base/text.ts'
import { text, type Text } from '#compliance/text.ts'
import { isAnswer, recordsOf, replyWords } from './dns-answers.ts'
import type { ZoneFacts } from './zone-facts.ts'

export interface DnsCheck {
  readonly id: string
  readonly title: Text
  readonly requirement: Text
  readonly source: string
  readonly severity: Severity
  /** What comes out of it goes through `cleaned`. */
  readonly judge: (facts: ZoneFacts) => Finding
}

/** More is no use to a reader. */
const maxTextLength = 2000

/** Names in somebody's zone may hold anything, also what a terminal obeys. */
export function cleaned(finding: Finding): Finding {
  const { summary, facts, remedy } = finding
  const clean = (words: string): string => cleanLine(words, maxTextLength)
  const both = ({ de, en }: Text): Text => text(clean(de), clean(en))
  return {
    ...finding,
    summary: both(summary),
    remedy: remedy === null ? null : { ...remedy, text: both(remedy.text) },
    facts: Object.fromEntries(
      Object.entries(facts).map(([name, value]) => [clean(name), clean(value)]),
    ),
  }
}

/** Null: there is no answer to judge; the finding says so. */
export function mxRecords(facts: ZoneFacts): readonly DnsRecord[] | Finding {
  if (!isAnswer(facts.mx)) return noAnswer(facts.mx)
  return recordsOf(facts.mx, 'MX')
}

export function noAnswer(reply: DnsReply, severity?: Severity): Finding {
  const words = replyWords(reply, 'MX')
  return undetermined(
    text(`Keine Antwort aus dem DNS: ${words}`, `No answer from the DNS: ${words}`),
    { subtype: 'no-answer', ...(severity !== undefined && { severity }) },
  )
}

export function shown(
  reply: DnsReply,
  type: Parameters<typeof replyWords>[1],
): Readonly<Record<string, string>> {
  return { [type]: cleanLine(replyWords(reply, type), 500) }
}

export function good(words: Text, facts: Readonly<Record<string, string>> = {}): Finding {
  return met(words, { facts })
}

export function bad(
  words: Text,
  remedy: Text,
  details: {
    readonly facts?: Readonly<Record<string, string>>
    readonly subtype?: string
    readonly severity?: Severity
  } = {},
): Finding {
  return violated(words, { ...details, remedy: { text: remedy, snippets: [] } })
}

/** Nothing could be found out, and nobody is to blame. */
export function open(words: Text, subtype: string, severity: Severity, remedy?: Text): Finding {
  const advice = remedy === undefined ? null : { text: remedy, snippets: [] }
  return undetermined(words, { subtype, severity, remedy: advice })
}
