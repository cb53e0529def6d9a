// `recipient import`: the recipient list of a domain, from a file.

import { readFile, stat } from 'node:fs/promises'
import { failure, success, type Result } from '#base/result.ts'
import { cleanLine } from '#base/text.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import type { Mailbox } from '#smtp/path.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import { CommandError, parseArguments, UsageError, type Command } from '#app/command.ts'
import { configOptionUsage } from '#app/command-config.ts'
import { printJson } from '#app/commands/domain/print.ts'
import { findServed } from '#app/commands/domain/store.ts'
import { commonOptions, withRecipients, type OpenTools } from './with-recipients.ts'

/** A million addresses of 60 characters. */
const maxFileBytes = 64 * 1024 * 1024
const maxShownProblems = 20

export function importCommand(open: OpenTools): Command {
  return {
    summary: 'replace the recipient list of a domain',
    usage: `Usage: pforte recipient import DOMAIN FILE [--allow-empty]

FILE has one address of DOMAIN a line; empty lines and lines that begin with #
are skipped. The addresses are known good from then on: accepted without a
question, and in an outage of the server too, until the server itself refuses
one. The list replaces the one before; nothing changes when a line is wrong.

  --allow-empty  a file without an address removes the list
${configOptionUsage}  --json         one JSON object: domain, recipientCount
`,
    run: async (args, io) => {
      const { values, positionals } = parseArguments(args, {
        options: { ...commonOptions, 'allow-empty': { type: 'boolean' } },
        allowPositionals: true,
      })
      const [name, file, ...more] = positionals
      if (name === undefined || file === undefined || more.length > 0) {
        throw new UsageError('name the domain and one file')
      }
      const domain = parseDomain(name)
      if (!domain.ok) throw new UsageError(`'${cleanLine(name, 80)}': ${domain.problem}`)
      return await withRecipients(
        { config: values.config, io, open },
        async ({ registry, recipients }) => {
          const served = findServed(registry, domain.value)
          const mailboxes = await readList(file, served.domain)
          if (mailboxes.length === 0 && values['allow-empty'] !== true) {
            throw new CommandError(`${file} has no address; --allow-empty removes the list`)
          }
          const recipientCount = recipients.replaceList(served, mailboxes)
          if (values.json === true) printJson(io, { domain: served.domain, recipientCount })
          else io.stdout(`${served.domain}: ${recipientCount} recipients on the list\n`)
          return 0
        },
      )
    },
  }
}

async function readList(file: string, domain: string): Promise<readonly Mailbox[]> {
  const list = parseList(await readText(file), domain)
  if (list.ok) return list.value
  const shown = list.problem.slice(0, maxShownProblems).map((line) => `\n${file}:${line}`)
  const rest = list.problem.length - shown.length
  const more = rest === 0 ? '' : `\n… and ${rest} more`
  throw new CommandError(`nothing was changed${shown.join('')}${more}`)
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file)
    if (size > maxFileBytes) throw new CommandError(`${file} is larger than 64MiB`)
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof CommandError) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError(`${file} cannot be read: ${why}`, 1, { cause: error })
  }
}

/** Problems are `line: text`. */
export function parseList(
  text: string,
  domain: string,
): Result<readonly Mailbox[], readonly string[]> {
  const mailboxes: Mailbox[] = []
  const problems: string[] = []
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const written = line.trim()
    if (written === '' || written.startsWith('#')) continue
    const mailbox = parseMailbox(written)
    const shown = cleanLine(written, 80)
    if (!mailbox.ok) problems.push(`${index + 1}: '${shown}': ${mailbox.problem}`)
    else if (mailbox.value.domain !== domain) {
      problems.push(`${index + 1}: '${shown}' is not at ${domain}`)
    } else mailboxes.push(mailbox.value)
  }
  return problems.length === 0 ? success(mailboxes) : failure(problems)
}
