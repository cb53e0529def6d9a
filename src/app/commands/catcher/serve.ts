// `pforte catcher serve`: the catcher alone, on a machine without a relay.

import { CommandError, parseArguments, type Command } from '#app/command.ts'
import { configOption, configOptionUsage, loadCommandConfig } from '#app/command-config.ts'
import { openLog, untilAborted } from '#app/open-log.ts'
import { startCatcher } from '#app/start-catcher.ts'

export const catcherServeCommand: Command = {
  summary: 'collect what comes back, where no relay does',
  usage: `Usage: pforte catcher serve [--config FILE]

Takes mail for the senders of test mails (pforte check --catcher) until SIGTERM
or SIGINT, refuses every other recipient, and sends nothing to anybody. Not
needed where pforte serve runs with a catcher.domain: it does the same.

${configOptionUsage}`,
  run: async (args, io) => {
    const { values } = parseArguments(args, { options: { ...configOption } })
    const { config } = await loadCommandConfig(values.config, io)
    if (config.catcher.domain === null) {
      throw new CommandError('there is no domain to catch for: set catcher.domain')
    }
    await using log = openLog(config, io)
    using catcher = await startCatcher(config, log.telemetry)
    if (catcher !== null) await untilAborted(io.signal)
    return 0
  },
}
