// `recipient show` and `recipient verify`: what is remembered, and what the server says now.

import { isAscii } from '#smtp/path.ts'
import { cleanLine } from '#base/text.ts'
import { parseArguments, type Command } from '#app/command.ts'
import { configOptionUsage } from '#app/command-config.ts'
import { printJson } from '#app/commands/domain/print.ts'
import { answerText, rawReply, recordJson, recordText } from './print.ts'
import {
  addressArgument,
  commonOptions,
  subjectIn,
  withRecipients,
  type OpenTools,
} from './with-recipients.ts'

export function showCommand(open: OpenTools): Command {
  return {
    summary: 'show what is remembered of a recipient',
    usage: `Usage: pforte recipient show ADDRESS

Prints the last answer of the institute's server, or the pin or recipient
list that stands for it. Asks nobody. Exit code 1 when nothing is known.

${configOptionUsage}  --json         one JSON object, or null
`,
    run: async (args, io) => {
      const { values, positionals } = parseArguments(args, {
        options: commonOptions,
        allowPositionals: true,
      })
      const mailbox = addressArgument(positionals)
      return await withRecipients(
        { config: values.config, io, open },
        ({ registry, recipients }) => {
          const { subject } = subjectIn(registry, mailbox)
          const record = recipients.show(subject)
          if (values.json === true) printJson(io, record === undefined ? null : recordJson(record))
          else if (record !== undefined) io.stdout(recordText(record))
          else {
            const address = cleanLine(`${subject.local}@${subject.domain}`, 400)
            io.stdout(`Nothing is known of ${address}; pforte recipient verify asks its server.\n`)
          }
          return record === undefined ? 1 : 0
        },
      )
    },
  }
}

export function verifyCommand(open: OpenTools): Command {
  return {
    summary: 'ask the institute’s server now',
    usage: `Usage: pforte recipient verify ADDRESS

Asks the server of the domain as for a mail (MAIL, RCPT, RSET; nothing is
sent), whatever is remembered, and prints who answered what. A running relay
takes the answer over within a second. Exit code 0 when the recipient is
deliverable, else 1.

${configOptionUsage}  --json         one JSON object
`,
    run: async (args, io) => {
      const { values, positionals } = parseArguments(args, {
        options: commonOptions,
        allowPositionals: true,
      })
      const mailbox = addressArgument(positionals)
      return await withRecipients(
        { config: values.config, io, open },
        async ({ registry, recipients }) => {
          const { domain } = subjectIn(registry, mailbox)
          const isSmtpUtf8 = !isAscii(mailbox.local)
          const asked = await recipients.ask({ domain, mailbox, isSmtpUtf8, sizeBytes: null })
          const raw = rawReply(asked.outcome)
          const cause = asked.outcome.kind === 'unknown' ? asked.outcome.cause.kind : null
          if (values.json === true) {
            const { verdict } = asked.answer
            printJson(io, {
              ...recordJson(asked.record),
              cause,
              replyLines: raw,
              verdict: verdict.kind,
              reason: verdict.kind === 'accept' ? null : verdict.reason.kind,
            })
          } else {
            const reason = cause === null ? '' : `  ${'cause'.padEnd(10)} ${cause}\n`
            const lines = raw.length > 1 ? raw.map((line) => `    ${line}\n`).join('') : ''
            const client = `  ${'client'.padEnd(10)} ${answerText(asked.answer)}\n`
            io.stdout(`${recordText(asked.record)}${lines}${reason}${client}`)
          }
          return asked.outcome.kind === 'deliverable' ? 0 : 1
        },
      )
    },
  }
}
