// `pforte recipient`: what is known of a recipient, and what a person decides about it. Works on the
// store of a running relay, which follows within a second.

import { commandGroup, type CommandGroup } from '#app/command.ts'
import { showCommand, verifyCommand } from './recipient/ask.ts'
import { classesCommand } from './recipient/classes.ts'
import { importCommand } from './recipient/import-list.ts'
import { forgetCommand, pinCommand } from './recipient/orders.ts'
import type { OpenTools } from './recipient/with-recipients.ts'

/** `open` is another one only in tests. */
export function createRecipientCommand(open: OpenTools): CommandGroup {
  return commandGroup({
    name: 'recipient',
    summary: 'show, ask, forget or pin what is known of a recipient',
    subcommands: {
      show: showCommand(open),
      verify: verifyCommand(open),
      forget: forgetCommand(open),
      pin: pinCommand(open),
      import: importCommand(open),
      classes: classesCommand,
    },
  })
}

export const recipientCommand: CommandGroup = createRecipientCommand(async (config, emit) => {
  const { openToolbox } = await import('#app/toolbox.ts')
  return await openToolbox(config, emit)
})
