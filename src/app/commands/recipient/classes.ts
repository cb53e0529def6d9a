// `recipient classes`: the classifier's table, as the manual has it.

import { replyRules } from '#recipients/reply-classes.ts'
import { replyClassesPage } from '#recipients/reply-table.ts'
import { parseArguments, type Command } from '#app/command.ts'
import { printJson } from '#app/commands/domain/print.ts'

export const classesCommand: Command = {
  summary: 'print how refusals of a recipient are read',
  usage: `Usage: pforte recipient classes

Prints the table that says which refusals mean "no such mailbox": the page
docs/reply-classes.md.

  --json         one JSON array, in the order the rows are tried
`,
  run: async (args, io) => {
    const { values } = parseArguments(args, { options: { json: { type: 'boolean' } } })
    if (values.json === true) printJson(io, replyRules)
    else io.stdout(replyClassesPage())
    return 0
  },
}
