// `pforte queue`: the mail Pforte has taken responsibility for, and people's orders about it. Works on
// the spool itself: beside a running relay, which follows within a second, and on a stopped one.

import { commandGroup, type CommandGroup } from '#app/command.ts'
import { exportCommand } from './queue/export.ts'
import { listCommand } from './queue/list.ts'
import {
  deleteCommand,
  flushCommand,
  holdCommand,
  moveCommand,
  releaseCommand,
} from './queue/order-commands.ts'
import { ordersCommand } from './queue/orders.ts'
import { overviewCommand } from './queue/overview.ts'
import { showCommand } from './queue/show.ts'

export const queueCommand: CommandGroup = commandGroup({
  name: 'queue',
  summary: 'show mail that waits or is held, and decide about it',
  otherwise: overviewCommand,
  subcommands: {
    list: listCommand,
    show: showCommand,
    flush: flushCommand,
    hold: holdCommand,
    release: releaseCommand,
    delete: deleteCommand,
    export: exportCommand,
    move: moveCommand,
    orders: ordersCommand,
  },
})
