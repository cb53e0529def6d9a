// `queue list`: the mails a selection means.

import type { Selection, SpoolTools } from '#spool/spool-tools.ts'
import { parseArguments, type Command, type CommandIo } from '#app/command.ts'
import { configOptionUsage } from '#app/command-config.ts'
import { jsonText } from '#app/commands/domain/print.ts'
import { entryJson } from './json.ts'
import { commonOptions, withQueue } from './open-queue.ts'
import { entryLine, recipientText } from './print.ts'
import { selectionOf, selectionOptions, selectionUsage } from './selection-options.ts'

export const listCommand: Command = {
  summary: 'list mails with their recipients',
  usage: `Usage: pforte queue list [ID ...] [OPTIONS]

Lists the mails in the spool, the oldest first, with those of their recipients
that the options mean. Several options mean what fits all of them.

${selectionUsage}${configOptionUsage}  --json         one JSON array
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...commonOptions, ...selectionOptions },
      allowPositionals: true,
    })
    return await withQueue(values.config, io, ({ tools, nowMs }) => {
      const selection = selectionOf(values, positionals, nowMs)
      if (values.json === true) printArray(io, tools, selection)
      else printLines(io, tools, selection, nowMs)
      return 0
    })
  },
}

/** Piece by piece: a spool of 100,000 mails is not held in memory. */
function printArray(io: CommandIo, tools: SpoolTools, selection: Selection): void {
  let separator = '[\n'
  for (const entry of tools.entries(selection)) {
    if (io.signal.aborted) return
    io.stdout(`${separator}${jsonText(entryJson(entry))}`)
    separator = ',\n'
  }
  io.stdout(separator === '[\n' ? '[]\n' : '\n]\n')
}

function printLines(io: CommandIo, tools: SpoolTools, selection: Selection, nowMs: number): void {
  let isEmpty = true
  for (const entry of tools.entries(selection)) {
    if (io.signal.aborted) return
    isEmpty = false
    const recipients = entry.recipients.map((each) => `    ${recipientText(each, nowMs)}\n`)
    io.stdout(`${entryLine(entry, nowMs)}\n${recipients.join('')}`)
  }
  if (isEmpty) io.stderr('no such mail is in the spool\n')
}
