// `queue orders`: who ordered what, and why.

import { cleanLine } from '#base/text.ts'
import { parseArguments, UsageError, type Command } from '#app/command.ts'
import { configOptionUsage } from '#app/command-config.ts'
import { printJson } from '#app/commands/domain/print.ts'
import { orderJson } from './json.ts'
import { commonOptions, withQueue } from './open-queue.ts'
import { orderText, pathText } from './print.ts'
import { idOf } from './selection-options.ts'

const defaultLimit = 50

export const ordersCommand: Command = {
  summary: 'list what people ordered, with their reasons',
  usage: `Usage: pforte queue orders [ID] [--limit ${defaultLimit}]

Lists the audit records, the newest first, also of mails that are gone: when,
what, who, why, and for which recipients.

  ID             of that mail only
  --limit N      that many, ${defaultLimit} without it
${configOptionUsage}  --json         one JSON array
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...commonOptions, limit: { type: 'string' } },
      allowPositionals: true,
    })
    const [text, ...more] = positionals
    if (more.length > 0) throw new UsageError('name the id of one mail, or none')
    const id = text === undefined ? undefined : idOf(text)
    const limit = limitOf(values.limit)
    return await withQueue(values.config, io, ({ tools }) => {
      const records = tools.orders(limit, id)
      if (values.json === true) printJson(io, records.map(orderJson))
      else if (records.length === 0) io.stderr('nobody has ordered anything\n')
      for (const record of values.json === true ? [] : records) {
        const recipients = record.recipients.map(pathText).join(' ')
        io.stdout(`${orderText(record)}\n    ${cleanLine(`${record.id}  ${recipients}`, 1000)}\n`)
      }
      return 0
    })
  },
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return defaultLimit
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (limit === 0) throw new UsageError('--limit: a number from 1 to 999999')
  return limit
}
