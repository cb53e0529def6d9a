// `pforte catcher list`: the runs of the last six days, and how much came back to each.

import type { CaughtRun } from '#catcher/catcher.ts'
import { parseArguments, type Command } from '#app/command.ts'
import { configOption, configOptionUsage } from '#app/command-config.ts'
import { cleanLine } from '#base/text.ts'
import { jsonText } from '#app/commands/domain/print.ts'
import { languageOf } from '#app/commands/check/request.ts'
import { runJson, timeText } from './print.ts'
import { withCatchStore } from './with-store.ts'

export const catcherListCommand: Command = {
  summary: 'list the runs whose returns are kept',
  usage: `Usage: pforte catcher list [--json] [--lang de|en] [--config FILE]

Lists the runs of pforte check --catcher of the last six days, newest first.
That nothing came back proves nothing.

${configOptionUsage}  --lang de|en   language; default en
  --json         one JSON array
`,
  run: async (args, io) => {
    const { values } = parseArguments(args, {
      options: { ...configOption, json: { type: 'boolean' }, lang: { type: 'string' } },
    })
    const language = languageOf(values.lang)
    const runs = await withCatchStore(values.config, io, (store, nowMs) => store.runs(nowMs))
    if (values.json === true) io.stdout(`${jsonText(runs.map(runJson))}\n`)
    else if (runs.length > 0) io.stdout(runs.map((run) => rowOf(run, language)).join(''))
    else io.stdout(language === 'de' ? 'Es gibt keinen Lauf.\n' : 'There is no run.\n')
    return 0
  },
}

function rowOf(run: CaughtRun, language: 'de' | 'en'): string {
  const senders = run.tokens.length
  const returns = run.tokens.reduce((sum, each) => sum + each.returns.length, 0)
  const counts =
    language === 'de'
      ? `${senders} Absender, ${returns} Rückläufe`
      : `${senders} senders, ${returns} returns`
  return `${run.id}  ${timeText(run.startedAtMs)}  ${cleanLine(run.server, 200)}  ${counts}\n`
}
