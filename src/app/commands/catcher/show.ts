// `pforte catcher show`: what came back to one run, and what that says of the server.

import type { CatchStore, CaughtRun } from '#catcher/catcher.ts'
import { CommandError, parseArguments, UsageError, type Command } from '#app/command.ts'
import { configOption, configOptionUsage } from '#app/command-config.ts'
import { jsonText } from '#app/commands/domain/print.ts'
import { exitCodes } from '#app/commands/check/exit-codes.ts'
import { languageOf } from '#app/commands/check/request.ts'
import { overallOfReturns, runJson, runText } from './print.ts'
import { withCatchStore } from './with-store.ts'

export const catcherShowCommand: Command = {
  summary: 'show what came back to a run, and the verdicts',
  usage: `Usage: pforte catcher show RUN|SENDER [--json] [--lang de|en] [--config FILE]

Shows what has come back to the run so far, and judges it again: a report that
comes on the fifth day changes a verdict. That nothing came back proves nothing.
Instead of the run, a sender of one of its mails may be named.

${configOptionUsage}  --lang de|en   language; default en
  --json         one JSON object

Exit code 0: every requirement is met; 1: one is violated; 2: one could not be
determined. There is no such run, or wrong usage: 1 or 2 with a message.
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...configOption, json: { type: 'boolean' }, lang: { type: 'string' } },
      allowPositionals: true,
    })
    const language = languageOf(values.lang)
    const [name, ...rest] = positionals
    if (name === undefined || rest.length > 0) {
      throw new UsageError('name one run; pforte catcher list shows them')
    }
    const run = await withCatchStore(values.config, io, (store, nowMs) =>
      findRun(store, name, nowMs),
    )
    io.stdout(values.json === true ? `${jsonText(runJson(run))}\n` : runText(run, language))
    return exitCodes[overallOfReturns(run)]
  },
}

/** By its id, by a sender `b-<token>@…`, or by the token. */
export function findRun(store: CatchStore, name: string, nowMs: number): CaughtRun {
  const token = /^(?:b-)?([a-z2-7]{26})(?:@|$)/.exec(name.toLowerCase())?.[1]
  const id = token === undefined ? name : (store.find(token, nowMs)?.run ?? '')
  const run = store.run(id, nowMs)
  if (run !== null) return run
  throw new CommandError(
    `there is no run '${name.slice(0, 100)}'; runs are kept for six days, pforte catcher list shows them`,
  )
}
