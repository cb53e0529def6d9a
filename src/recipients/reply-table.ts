// The classifier's table as a page of the manual.

import { replyRules, type ReplyClass, type ReplyRule } from './reply-classes.ts'

const clientGets: Readonly<Record<ReplyClass, string>> = {
  'no-such-mailbox': 'undeliverable: 550 5.1.1',
  'mailbox-full': 'unknown: 452 4.2.2',
  'too-big': 'unknown: 552 5.3.4',
  policy: 'unknown: 451',
  deferred: 'unknown: 451',
}

/** The page docs/reply-classes.md, printed by `pforte recipient classes`. Ends with a newline. */
export function replyClassesPage(): string {
  return [
    '# What the answer to RCPT means',
    '',
    '<!-- Printed by `pforte recipient classes`. Change src/recipients/reply-classes.ts instead. -->',
    '',
    'Pforte asks the institute’s server for every recipient. A 250 or 251 means deliverable. A 252 does',
    'not say (RFC 5321 §3.5.3) and is unknown, as is every question without an answer. A refusal is read',
    'by this table, from top to bottom; the first row that fits decides. Only *no-such-mailbox* refuses',
    'the recipient for good.',
    '',
    'Before the table, the patterns of the domain are tried: `no-such-mailbox` makes any 5yz with that',
    'text undeliverable, `other` keeps it from being so.',
    '',
    'A word counts at the beginning of a word of the text, in upper or lower case; addresses in the text',
    'are left out first. *None* as status means that the reply carries no enhanced status, or 5.0.0.',
    '',
    '| row | code | status | text contains | means | outcome and reply to the client |',
    '| --- | --- | --- | --- | --- | --- |',
    ...replyRules.map(row),
    '',
    '## Where they were seen',
    '',
    '| row | seen at |',
    '| --- | --- |',
    ...replyRules.map((rule) => `| ${rule.id} | ${rule.seenAt} |`),
    '',
  ].join('\n')
}

function row(rule: ReplyRule): string {
  const codes = rule.codes?.join(', ') ?? `any ${rule.replyClass}yz`
  const statuses = rule.statuses?.map((status) => status.replace('*', 'x')).join(', ') ?? 'any'
  const words = rule.words?.map((word) => `“${word}”`).join(', ') ?? ''
  return `| ${rule.id} | ${codes} | ${statuses} | ${words} | ${rule.means} | ${clientGets[rule.means]} |`
}
