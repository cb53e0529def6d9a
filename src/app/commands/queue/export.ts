// `queue export`: mails as files that every mail program opens.

import { mkdir, open, rm } from 'node:fs/promises'
import path from 'node:path'
import { cleanLine } from '#base/text.ts'
import { DotDecoder } from '#smtp/dot-decoder.ts'
import type { SpoolContent } from '#spool/spool.ts'
import type { SpoolTools } from '#spool/spool-tools.ts'
import {
  CommandError,
  parseArguments,
  UsageError,
  type Command,
  type CommandIo,
} from '#app/command.ts'
import { configOptionUsage } from '#app/command-config.ts'
import { printJson } from '#app/commands/domain/print.ts'
import { commonOptions, withQueue } from './open-queue.ts'
import { count } from './print.ts'
import { isEverything, selectionOf, selectionOptions, selectionUsage } from './selection-options.ts'

export const exportCommand: Command = {
  summary: 'write mails as .eml files',
  usage: `Usage: pforte queue export ID ...|OPTIONS --to FOLDER|-

Writes each mail as FOLDER/ID.eml, as its recipient would get it. The envelope
is not in it: see pforte queue show. The mails stay in the spool. A damaged mail
is told and leaves no file; the others are written, and the exit code is 1.

  --to FOLDER    made when missing; - writes one mail to standard output
  --force        replace files that exist
${selectionUsage}  --all          everything in the spool: needed when nothing else is named
${configOptionUsage}  --json         one JSON object: files, problems
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: {
        ...commonOptions,
        ...selectionOptions,
        all: { type: 'boolean' },
        to: { type: 'string' },
        force: { type: 'boolean' },
      },
      allowPositionals: true,
    })
    const { to } = values
    if (to === undefined || to === '') throw new UsageError('name the folder with --to, or --to -')
    return await withQueue(values.config, io, async ({ tools, nowMs }) => {
      const selection = selectionOf(values, positionals, nowMs)
      if (isEverything(selection) !== (values.all === true)) {
        throw new UsageError('name ids or a condition such as --domain, or --all for everything')
      }
      const ids = function* (): Generator<string> {
        for (const { id } of tools.entries(selection)) yield id
        // So that one that is not there is told.
        for (const id of positionals) if (tools.entry(id) === undefined) yield id
      }
      if (to === '-') return await toStandardOutput([...ids()], tools, io)
      const done = await toFolder(ids(), { folder: to, isForced: values.force === true }, tools, io)
      if (values.json === true) printJson(io, done)
      else {
        const { files, problems } = done
        io.stdout(`${count(files.length, 'mail')} written to ${cleanLine(to, 400)}\n`)
        for (const { id, text } of problems) io.stderr(`${cleanLine(`${id}: ${text}`, 500)}\n`)
      }
      return done.problems.length === 0 && done.files.length > 0 ? 0 : 1
    })
  },
}

async function toStandardOutput(
  ids: readonly string[],
  tools: SpoolTools,
  io: CommandIo,
): Promise<number> {
  const [id, ...more] = ids
  const write = io.stdoutBytes
  if (id === undefined) throw new CommandError('no such mail is in the spool')
  if (more.length > 0) throw new CommandError('--to - writes one mail; name a folder for several')
  if (write === undefined) throw new CommandError('standard output takes only text here')
  const content = contentOf(tools, id)
  try {
    for await (const piece of messageOf(content)) {
      if (io.signal.aborted) return 1
      write(piece)
    }
  } catch (error) {
    throw new CommandError(`${id} is damaged, what was written is not all of it: ${textOf(error)}`)
  }
  return 0
}

interface Exported {
  readonly files: readonly string[]
  readonly problems: readonly { readonly id: string; readonly text: string }[]
}

async function toFolder(
  ids: Iterable<string>,
  { folder, isForced }: { readonly folder: string; readonly isForced: boolean },
  tools: SpoolTools,
  io: CommandIo,
): Promise<Exported> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new CommandError(`cannot make the folder ${folder}: ${textOf(error)}`)
  })
  const files: string[] = []
  const problems: { readonly id: string; readonly text: string }[] = []
  for (const id of ids) {
    if (io.signal.aborted)
      throw new CommandError(`interrupted; ${count(files.length, 'mail')} written`)
    const file = path.join(folder, `${id}.eml`)
    try {
      await writeMessage(file, contentOf(tools, id), isForced)
      files.push(file)
    } catch (error) {
      problems.push({ id, text: textOf(error) })
    }
  }
  return { files, problems }
}

/** Whole, or not there at all. Private, as mail is. */
async function writeMessage(file: string, content: SpoolContent, isForced: boolean): Promise<void> {
  if (isForced) await rm(file, { force: true })
  const handle = await open(file, 'wx', 0o600).catch((error: unknown) => {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    throw isThere ? new Error(`${file} exists; --force replaces it`) : error
  })
  try {
    for await (const piece of messageOf(content)) await handle.writeFile(piece)
    // Who exports a mail may delete it next.
    await handle.sync()
  } catch (error) {
    await rm(file, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

function contentOf(tools: SpoolTools, id: string): SpoolContent {
  const content = tools.content(id)
  if (content !== null) return content
  const why = tools.entry(id) === undefined ? 'is not in the spool' : 'cannot be read'
  throw new CommandError(`the content of ${id} ${why}`)
}

// Out of the wire form, piece by piece.
async function* messageOf(content: SpoolContent): AsyncGenerator<Buffer> {
  const reader = content.open()
  const decoder = new DotDecoder()
  try {
    for (;;) {
      const pieces = await reader.next()
      if (pieces === null) break
      // One buffer again: a mail full of dots would be written in a piece a line.
      yield Buffer.concat(pieces.flatMap((piece) => decoder.push(piece)))
    }
    yield Buffer.concat(decoder.finish())
  } finally {
    reader.close()
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
