// `pforte greylist`: who has been here before, and what a person decides about it. Works on the store of a running
// relay, which looks there at the next mail, and of a stopped one.

import { commandGroup, type CommandGroup } from '#app/command.ts'
import { listCommand, statsCommand } from './greylist/list.ts'
import { allowCommand, forgetCommand, showCommand } from './greylist/orders.ts'

export const greylistCommand: CommandGroup = commandGroup({
  name: 'greylist',
  summary: 'show, forget or allow who has to come back later',
  subcommands: {
    stats: statsCommand,
    list: listCommand,
    show: showCommand,
    forget: forgetCommand,
    allow: allowCommand,
  },
})
