// `pforte domain`: the served domains, straight in the store. A running relay follows by itself.

import { commandGroup, type CommandGroup } from '#app/command.ts'
import { applyCommand } from './domain/apply.ts'
import {
  addCommand,
  removeCommand,
  resumeCommand,
  setCommand,
  suspendCommand,
} from './domain/change.ts'
import { profileCommand } from './domain/profile.ts'
import { recheckCommand } from './domain/recheck.ts'
import { exportCommand, listCommand, showCommand } from './domain/show.ts'

export const domainCommand: CommandGroup = commandGroup({
  name: 'domain',
  summary: 'manage the served domains and their routes',
  subcommands: {
    add: addCommand,
    show: showCommand,
    list: listCommand,
    profile: profileCommand,
    recheck: recheckCommand,
    set: setCommand,
    remove: removeCommand,
    suspend: suspendCommand,
    resume: resumeCommand,
    apply: applyCommand,
    export: exportCommand,
  },
})
