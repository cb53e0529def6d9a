// Live progress in a terminal: finished checks one a line, below them the one that runs, with its time.

import type { RunEvent } from '#compliance/compliance.ts'
import { outcomeLine } from '#compliance/report/report-text.ts'
import type { CommandIo } from '#app/command.ts'
import { isColoured, textOptions } from './print.ts'
import type { CheckRequest } from './request.ts'

export interface Progress {
  readonly show: (event: RunEvent) => void
  readonly close: () => void
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const frameMs = 100
const clearLine = '\r\u001b[K'

/** Written to standard error, so that the report can be redirected; only for a terminal. */
export function openProgress(io: CommandIo, request: CheckRequest): Progress {
  if (!io.isTerminal || request.form !== 'text')
    return { show: () => undefined, close: () => undefined }
  const options = textOptions(request, isColoured(io))
  let running: { readonly line: string; readonly startMs: number } | null = null
  let frame = 0
  const draw = (): void => {
    if (running === null) return
    frame += 1
    const elapsed = ((performance.now() - running.startMs) / 1000).toFixed(1)
    io.stderr(`${clearLine}${frames[frame % frames.length]} ${running.line}  ${elapsed} s`)
  }
  const timer = setInterval(draw, frameMs)
  return {
    show: (event) => {
      if (event.kind === 'check-started') {
        const { check, index, count } = event
        running = { line: `${index + 1}/${count} ${check.id}`, startMs: performance.now() }
        draw()
      } else {
        running = null
        io.stderr(`${clearLine}${outcomeLine(event.outcome, options)}\n`)
      }
    },
    close: () => {
      clearInterval(timer)
      io.stderr(clearLine)
    },
  }
}
