// Argument list in, exit code out. Everything else is in src/app.

import { runCommandLine } from '#app/commands.ts'

const stop = new AbortController()

// The first signal asks the command to stop, the second one ends the process at once.
for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(exitCode)
    stop.abort(new Error(signal))
  })
}

/** Writes until the reader has gone away (`pforte config | head -1`), which is no failure of ours. */
function writer(stream: NodeJS.WriteStream, onGone: () => void): (text: string) => void {
  let isGone = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    isGone = true
    onGone()
  })
  return (text) => {
    if (!isGone) stream.write(text)
  }
}

const stderr = writer(process.stderr, () => {})

try {
  process.exitCode = await runCommandLine(process.argv.slice(2), {
    stdout: writer(process.stdout, () => stop.abort(new Error('EPIPE'))),
    stderr,
    environment: process.env,
    isTerminal: process.stdout.isTTY,
    signal: stop.signal,
  })
} catch (error) {
  // A fault of ours: the stack is for the report.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  stderr(`pforte: internal error, please report it\n${text}\n`)
  process.exitCode = 1
}
