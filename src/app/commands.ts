// The command table, and the way from an argument list to an exit code. A command's module is loaded
// when the command runs, so that one command does not pay for the start-up of another.

import {
  CommandError,
  findCommand,
  listCommands,
  runCommand,
  tellFailure,
  UsageError,
  type Command,
  type CommandIo,
} from './command.ts'
import { packageVersion } from './version.ts'

/** A row of the table. `summary` is repeated here so that `help` loads nothing; a test compares. */
export interface CommandEntry {
  readonly summary: string
  readonly load: () => Promise<Command>
}

export const commands: Readonly<Record<string, CommandEntry>> = {
  serve: {
    summary: 'run the relay',
    load: async () => (await import('./commands/serve.ts')).serveCommand,
  },
  config: {
    summary: 'show or check the configuration',
    load: async () => (await import('./commands/config.ts')).configCommand,
  },
  domain: {
    summary: 'manage the served domains and their routes',
    load: async () => (await import('./commands/domain.ts')).domainCommand,
  },
  recipient: {
    summary: 'show, ask, forget or pin what is known of a recipient',
    load: async () => (await import('./commands/recipient.ts')).recipientCommand,
  },
  queue: {
    summary: 'show mail that waits or is held, and decide about it',
    load: async () => (await import('./commands/queue.ts')).queueCommand,
  },
  greylist: {
    summary: 'show, forget or allow who has to come back later',
    load: async () => (await import('./commands/greylist.ts')).greylistCommand,
  },
  status: {
    summary: 'show what the running relay does',
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  check: {
    summary: 'examine a mail server before it is served',
    load: async () => (await import('./commands/check.ts')).checkCommand,
  },
  catcher: {
    summary: 'collect and show what came back to test mails',
    load: async () => (await import('./commands/catcher.ts')).catcherCommand,
  },
  explain: {
    summary: 'say what would happen to a mail, without sending anything',
    load: async () => (await import('./commands/explain.ts')).explainCommand,
  },
}

/** Runs one command line. Resolves to the exit code; rejects only with faults of ours. */
export async function runCommandLine(args: readonly string[], io: CommandIo): Promise<number> {
  try {
    return await dispatch(args, io)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return tellFailure('pforte', error, io)
  }
}

async function dispatch(args: readonly string[], io: CommandIo): Promise<number> {
  const [first, ...rest] = args
  if (first === undefined) {
    io.stderr(overview())
    return 2
  }
  if (first === '--version' || first === '-V') return print(io, `${version()}\n`)
  if (first === '--help' || first === '-h') return print(io, overview())
  if (first === 'help') return await help(rest, io)
  if (first.startsWith('-')) {
    throw new UsageError(`the command comes first: pforte COMMAND ${first}`)
  }
  const entry = findCommand(commands, first)
  return await runCommand(first, await entry.load(), rest, io)
}

/** `help`, `help domain`, `help domain add`. */
async function help(args: readonly string[], io: CommandIo): Promise<number> {
  return args.length === 0 ? print(io, overview()) : await dispatch([...args, '--help'], io)
}

function print(io: CommandIo, text: string): number {
  io.stdout(text)
  return 0
}

function overview(): string {
  return `Usage: pforte COMMAND [OPTIONS]

Pforte accepts mail for the domains of other servers, asks those servers
about every recipient, and hands each mail over while the sender waits.

Commands:
${listCommands(commands, 'pforte ')}
More: pforte COMMAND --help, pforte --version
Configuration: --config FILE after the command, else $PFORTE_CONFIG, else
/etc/pforte/pforte.yaml
`
}

function version(): string {
  return `pforte ${packageVersion()} (Node.js ${process.version})`
}
