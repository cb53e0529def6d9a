// What the exit code of `pforte check` says.

import type { Overall } from '#compliance/report/words.ts'

export const exitCodes: Readonly<Record<Overall, number>> = { ready: 0, 'not-ready': 1, open: 2 }

/** Not those of other commands: 1 and 2 say what was found. */
export const usageExitCode: number = 3
