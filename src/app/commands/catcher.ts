// `pforte catcher`: what came back to the senders of test mails.

import { commandGroup, type CommandGroup } from '#app/command.ts'
import { catcherListCommand } from './catcher/list.ts'
import { catcherConfirmCommand, catcherMissingCommand } from './catcher/orders.ts'
import { catcherServeCommand } from './catcher/serve.ts'
import { catcherShowCommand } from './catcher/show.ts'

export const catcherCommand: CommandGroup = commandGroup({
  name: 'catcher',
  summary: 'collect and show what came back to test mails',
  subcommands: {
    serve: catcherServeCommand,
    list: catcherListCommand,
    show: catcherShowCommand,
    confirm: catcherConfirmCommand,
    missing: catcherMissingCommand,
  },
})
