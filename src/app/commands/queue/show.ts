// `queue show`: everything about one mail.

import { cleanLine } from '#base/text.ts'
import { DotDecoder } from '#smtp/dot-decoder.ts'
import type { SpoolEntryDetails } from '#spool/spool-tools.ts'
import { CommandError, parseArguments, UsageError, type Command } from '#app/command.ts'
import { configOptionUsage } from '#app/command-config.ts'
import { printJson } from '#app/commands/domain/print.ts'
import { timeText } from '#app/commands/recipient/print.ts'
import { attemptJson, entryJson, orderJson } from './json.ts'
import { commonOptions, withQueue } from './open-queue.ts'
import { ageText, attemptText, orderText, pathText, recipientText, sizeText } from './print.ts'
import { idOf } from './selection-options.ts'

/** A header section may have 256 KiB; nobody reads more than this. */
const maxHeaderLineCount = 200

export const showCommand: Command = {
  summary: 'show envelope, attempts, header and orders of one mail',
  usage: `Usage: pforte queue show ID

Prints the envelope, what became of each recipient, every attempt with the
words of the next hop, what people ordered, and the header section with the
trace. The content: pforte queue export ID --to -

${configOptionUsage}  --json         one JSON object
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: commonOptions,
      allowPositionals: true,
    })
    const [text, ...more] = positionals
    if (text === undefined || more.length > 0) throw new UsageError('name the id of one mail')
    const id = idOf(text)
    return await withQueue(values.config, io, ({ tools, nowMs }) => {
      const entry = tools.entry(id)
      if (entry === undefined) {
        const last = tools.orders(1, id)[0]
        const known = last === undefined ? 'the log knows its trace' : orderText(last)
        throw new CommandError(
          `${id} is not in the spool: delivered, deleted, or never here; ${known}`,
        )
      }
      if (values.json === true) printJson(io, detailsJson(entry))
      else io.stdout(detailsText(entry, nowMs))
      return 0
    })
  },
}

function detailsJson(entry: SpoolEntryDetails): Readonly<Record<string, unknown>> {
  return {
    ...entryJson(entry),
    attempts: entry.attempts.map(attemptJson),
    orders: entry.orders.map(orderJson),
    header: headerText(entry.header),
  }
}

function detailsText(entry: SpoolEntryDetails, nowMs: number): string {
  const { receivedAtMs, greetingName, clientAddress } = entry
  const age = ageText(nowMs - receivedAtMs)
  const lines = [
    cleanLine(entry.id, 100),
    `  sender    ${pathText(entry.reversePath)}`,
    `  received  ${timeText(receivedAtMs)} (${age} ago)`,
    `  client    ${cleanLine(`${greetingName} [${clientAddress}]`, 400)}`,
    `  size      ${sizeText(entry.sizeBytes)}`,
    ...section(
      'recipients',
      entry.recipients.map((each) => recipientText(each, nowMs)),
    ),
    ...section('attempts', entry.attempts.flatMap(attemptText)),
    ...section('orders', entry.orders.map(orderText)),
    ...section('header', headerLines(entry.header)),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)]
}

function headerLines(header: Buffer | null): readonly string[] {
  const text = headerText(header)
  if (text === null) return ['cannot be read']
  const lines = text.replace(/\r\n$/, '').split('\r\n')
  // A tab is how many programs fold a field: no reason for a question mark.
  const shown = lines
    .slice(0, maxHeaderLineCount)
    .map((line) => cleanLine(line.replaceAll('\t', ' '), 1000))
  const rest = lines.length - shown.length
  return rest === 0 ? shown : [...shown, `… and ${rest} more lines`]
}

function headerText(header: Buffer | null): string | null {
  if (header === null) return null
  const decoder = new DotDecoder()
  return Buffer.concat([...decoder.push(header), ...decoder.finish()]).toString()
}
