// What a command of the command line is, and the few things all of them share: where they write,
// how they fail, how they read their arguments. Nothing here touches `process`, so tests run
// commands in their own process.

import { parseArgs, type ParseArgsConfig } from 'node:util'
import { cleanLine, nearestWord } from '#base/text.ts'

/** Of one line of a message; longer than any sentence of ours. */
const maxLineLength = 1000

/** The world as a command sees it. */
export interface CommandIo {
  /** Writes as it is given: the command ends its own lines. */
  readonly stdout: (text: string) => void
  /** Standard output for what is not text. Absent: only text can be written. */
  readonly stdoutBytes?: (bytes: Uint8Array) => void
  readonly stderr: (text: string) => void
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Standard output is a terminal: colours and the human log format make sense. */
  readonly isTerminal: boolean
  /**
   * Asks the person in front of standard input, and gives one line, or null at its end and when the
   * command is interrupted. Absent: standard input is no terminal.
   */
  readonly ask?: (question: string) => Promise<string | null>
  /** Aborted by SIGINT, SIGTERM, and when nobody reads standard output any more. */
  readonly signal: AbortSignal
}

export interface Command {
  /** One line without a final dot, for the list of commands. */
  readonly summary: string
  /** The whole help text, ending in a newline; its first line is `Usage: pforte …`. */
  readonly usage: string
  /**
   * Resolves to the exit code: 0 done, 1 failed, 2 wrong usage or bad configuration. A CommandError
   * thrown out of it is printed and gives its own code; anything else thrown is a fault of ours.
   */
  readonly run: (args: readonly string[], io: CommandIo) => Promise<number>
}

/** The command cannot be done; `message` says what happened, to what, and what to do. No stack is shown. */
export class CommandError extends Error {
  readonly exitCode: 1 | 2
  constructor(message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}

/** The command was called wrongly; the reader is pointed to `--help`. Exit code 2. */
export class UsageError extends CommandError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, 2, options)
    this.name = 'UsageError'
  }
}

/** A UsageError in its own words, naming the option that was probably meant. */
export function parseArguments<const Shape extends Omit<ParseArgsConfig, 'args'>>(
  args: readonly string[],
  shape: Shape,
): ReturnType<typeof parseArgs<Shape>> {
  try {
    return parseArgs<Shape>({ ...shape, args: [...args] })
  } catch (error) {
    if (!(error instanceof Error) || !isParseArgsError(error)) throw error
    throw new UsageError(explainParseArgs(error.message, Object.keys(shape.options ?? {})), {
      cause: error,
    })
  }
}

function isParseArgsError(error: Error): boolean {
  return 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
}

function explainParseArgs(message: string, options: readonly string[]): string {
  const [sentence = message] = message.split(/\.? (?=To specify)|\n/)
  const unknown = /^Unknown option '--([^']+)'/.exec(message)?.[1]
  const nearest = unknown === undefined ? undefined : nearestWord(unknown.slice(0, 60), options)
  const lacking = /^Option '(?:-\w, )?(--[^']+)' argument is ambiguous/.exec(message)?.[1]
  if (lacking !== undefined) {
    return `option '${lacking}' needs a value; one that begins with a dash is written ${lacking}=…`
  }
  const text = sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '')
  return nearest === undefined ? text : `${text}; did you mean --${nearest}?`
}

/** Is help asked for? What follows `--` is never an option. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  const options = end === -1 ? args : args.slice(0, end)
  return options.includes('--help') || options.includes('-h')
}

/**
 * Runs one command by its full name (`domain add`): answers `--help`, prints a CommandError and turns
 * it into its exit code. Every other error passes through.
 */
export async function runCommand(
  name: string,
  command: Command,
  args: readonly string[],
  io: CommandIo,
): Promise<number> {
  // A group passes help on to its subcommand, when one is named.
  if (asksForHelp(args) && (!isGroup(command) || args[0]?.startsWith('-') === true)) {
    io.stdout(command.usage)
    return 0
  }
  try {
    return await command.run(args, io)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return tellFailure(`pforte ${name}`, error, io)
  }
}

/** Prints a failure and gives its exit code. `program`: how it was called, such as `pforte domain add`. */
export function tellFailure(program: string, error: CommandError, io: CommandIo): number {
  // A message repeats what was typed, read from a file or said by a peer.
  const lines = error.message.split('\n').map((line) => cleanLine(line, maxLineLength))
  io.stderr(`${program}: ${lines.join('\n')}\n`)
  if (error instanceof UsageError) io.stderr(`See: ${program} --help\n`)
  return error.exitCode
}

/** A command that only has others below it, such as `domain` with `domain add`. */
export interface CommandGroup extends Command {
  readonly subcommands: Readonly<Record<string, Command>>
}

export function isGroup(command: Command): command is CommandGroup {
  return 'subcommands' in command
}

/**
 * Makes a group. `usage` is built from the subcommands' summaries. `otherwise` runs when no subcommand
 * is named (no arguments, or an option first); without it that is a UsageError.
 */
export function commandGroup(options: {
  readonly name: string
  readonly summary: string
  readonly subcommands: Readonly<Record<string, Command>>
  readonly otherwise?: Command
}): CommandGroup {
  const { name, summary, subcommands, otherwise } = options
  return {
    summary,
    usage: groupUsage(name, otherwise?.usage ?? `Usage: pforte ${name} COMMAND\n`, subcommands),
    subcommands,
    run: async (args, io) => {
      const [first, ...rest] = args
      if (first === undefined || first.startsWith('-')) {
        if (otherwise === undefined) throw new UsageError(`name one of: ${list(subcommands)}`)
        return await otherwise.run(args, io)
      }
      return await runCommand(`${name} ${first}`, findCommand(subcommands, first), rest, io)
    },
  }
}

function groupUsage(
  name: string,
  head: string,
  subcommands: Readonly<Record<string, Command>>,
): string {
  return `${head}\nCommands:\n${listCommands(subcommands, `pforte ${name} `)}`
}

function list(commands: Readonly<Record<string, unknown>>): string {
  return Object.keys(commands).join(', ')
}

/** The command of that name, or a UsageError that names the nearest one. */
export function findCommand<Entry>(commands: Readonly<Record<string, Entry>>, name: string): Entry {
  const found = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (found !== undefined) return found
  const nearest = nearestWord(name.slice(0, 60), Object.keys(commands))
  const help = nearest === undefined ? `known are: ${list(commands)}` : `did you mean ${nearest}?`
  throw new UsageError(`unknown command '${name}'; ${help}`)
}

/** One indented line a command, the summaries in one column. */
export function listCommands(
  commands: Readonly<Record<string, { readonly summary: string }>>,
  prefix: string,
): string {
  const rows = Object.entries(commands)
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows
    .map(([name, { summary }]) => `  ${prefix}${name.padEnd(width)}  ${summary}\n`)
    .join('')
}
