// `pforte status`: what the running relay does right now.

import { parseArguments, type Command, type CommandIo } from '#app/command.ts'
import { configOption, configOptionUsage, loadCommandConfig } from '#app/command-config.ts'
import { linkPath } from '#app/processes/shares.ts'
import { jsonText } from './domain/print.ts'
import { askStatus } from './status/ask-status.ts'
import { ratesBetween } from './status/rates.ts'
import { statusJson, statusText } from './status/print.ts'

/** Between the two looks that rates are made of. */
const intervalMs = 1000

export const statusCommand: Command = {
  summary: 'show what the running relay does',
  usage: `Usage: pforte status [--config FILE] [--json]

Shows the processes of the running relay with what they did in the last second,
the servers it hands mail to, and what is in its spool. pforte queue shows the
spool also while no relay runs.

${configOptionUsage}  --json         one JSON object
`,
  run: async (args, io) => {
    const { values } = parseArguments(args, {
      options: { ...configOption, json: { type: 'boolean' } },
    })
    const { config } = await loadCommandConfig(values.config, io)
    const [before, after] = await askStatus(linkPath(config), intervalMs, io.signal)
    print(io, values.json === true, ratesBetween(before, after))
    return 0
  },
}

function print(io: CommandIo, isJson: boolean, status: ReturnType<typeof ratesBetween>): void {
  io.stdout(isJson ? `${jsonText(statusJson(status))}\n` : statusText(status, Date.now()))
}
