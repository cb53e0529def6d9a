// `pforte catcher confirm` and `pforte catcher missing`: what only the reader of the test mailbox can say.

import { CommandError, parseArguments, UsageError, type Command } from '#app/command.ts'
import { configOption, configOptionUsage } from '#app/command-config.ts'
import { findRun } from './show.ts'
import { withCatchStore } from './with-store.ts'

export const catcherConfirmCommand: Command = {
  summary: 'say that the plain test mail arrived',
  usage: `Usage: pforte catcher confirm CODE [--config FILE]

CODE stands in the plain test mail: who knows it has read that mail. A reply to
the mail that leaves its text in does the same by itself.

${configOptionUsage}`,
  run: async (args, io) => {
    const { name: code, config } = oneArgument(args, 'the code of the plain test mail')
    const run = await withCatchStore(config, io, (store, nowMs) => store.confirm(code, nowMs))
    if (run === null) {
      throw new CommandError(
        `no run of the last six days has the code '${code.slice(0, 40)}'; look it up in the plain test mail`,
      )
    }
    io.stdout(`${run}: the test mail arrived\n`)
    return 0
  },
}

export const catcherMissingCommand: Command = {
  summary: 'say that the test mails did not arrive',
  usage: `Usage: pforte catcher missing RUN [--config FILE]

For when the reader of the test mailbox says that nothing arrived.

${configOptionUsage}`,
  run: async (args, io) => {
    const { name, config } = oneArgument(args, 'one run; pforte catcher list shows them')
    const run = await withCatchStore(config, io, (store, nowMs) => {
      const { id } = findRun(store, name, nowMs)
      store.missing(id, nowMs)
      return id
    })
    io.stdout(`${run}: the test mails did not arrive\n`)
    return 0
  },
}

function oneArgument(
  args: readonly string[],
  what: string,
): { readonly name: string; readonly config: string | undefined } {
  const { values, positionals } = parseArguments(args, {
    options: { ...configOption },
    allowPositionals: true,
  })
  const [name, ...rest] = positionals
  if (name === undefined || rest.length > 0) throw new UsageError(`name ${what}`)
  return { name, config: values.config }
}
