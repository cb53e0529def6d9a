// `recipient forget` and `recipient pin`: what a person decides about one recipient.

import { systemClock } from '#base/clock.ts'
import { parseDuration } from '#base/units.ts'
import { cleanLine } from '#base/text.ts'
import { parseArguments, UsageError, type Command } from '#app/command.ts'
import { configOptionUsage } from '#app/command-config.ts'
import { printJson } from '#app/commands/domain/print.ts'
import { timeText } from './print.ts'
import {
  addressArgument,
  commonOptions,
  subjectIn,
  withRecipients,
  type OpenTools,
} from './with-recipients.ts'

export function forgetCommand(open: OpenTools): Command {
  return {
    summary: 'forget what is remembered of a recipient',
    usage: `Usage: pforte recipient forget ADDRESS

Drops answers and pin; the next mail asks the institute's server again. An
entry of an imported recipient list stays. Exit code 1 when nothing was known.

${configOptionUsage}  --json         one JSON object: address, wasKnown
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
          const wasKnown = recipients.forget(subject)
          const address = `${subject.local}@${subject.domain}`
          if (values.json === true) printJson(io, { address, wasKnown })
          else
            io.stdout(
              `${cleanLine(address, 400)}: ${wasKnown ? 'forgotten' : 'nothing was known'}\n`,
            )
          return wasKnown ? 0 : 1
        },
      )
    },
  }
}

const maxPinMs = 366 * 24 * 3_600_000

export function pinCommand(open: OpenTools): Command {
  return {
    summary: 'accept a recipient for a while, whatever its server says',
    usage: `Usage: pforte recipient pin ADDRESS [--for 24h]

Mail for ADDRESS is accepted at RCPT without a question until then. Its server
still has the last word when the mail is handed over. Ends early with
pforte recipient forget.

  --for TIME     such as 90min, 24h or 7d; at most 366d. Default:
                 verification.pin of the configuration
${configOptionUsage}  --json         one JSON object: address, pinnedUntil
`,
    run: async (args, io) => {
      const { values, positionals } = parseArguments(args, {
        options: { ...commonOptions, for: { type: 'string' } },
        allowPositionals: true,
      })
      const mailbox = addressArgument(positionals)
      const givenMs = values.for === undefined ? undefined : pinDuration(values.for)
      return await withRecipients(
        { config: values.config, io, open },
        ({ registry, recipients }, config) => {
          const { subject } = subjectIn(registry, mailbox)
          const untilMs = systemClock.now() + (givenMs ?? config.verification.pinMs)
          recipients.pin(subject, untilMs)
          const address = `${subject.local}@${subject.domain}`
          const until = timeText(untilMs)
          if (values.json === true) printJson(io, { address, pinnedUntil: until })
          else io.stdout(`${cleanLine(address, 400)}: accepted until ${until}\n`)
          return 0
        },
      )
    },
  }
}

function pinDuration(text: string): number {
  const duration = parseDuration(text)
  if (!duration.ok) throw new UsageError(`--for: ${duration.problem}`)
  if (duration.value === 0 || duration.value > maxPinMs) {
    throw new UsageError('--for: more than nothing and at most 366d')
  }
  return duration.value
}
