// Argument list in, exit code out. Everything else is in src/app.

import { askOn } from '#app/ask.ts'
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

/**
 * A reader that goes away (`pforte config | head -1`) is no failure; the command is asked to stop.
 * Any other failure to write, such as a full disk, makes the exit code 1, but stops nothing: a relay
 * that cannot log still has mail to hand over.
 */
let isOutputLost = false

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return stop.abort(new Error('nobody reads standard output'))
  if (!isOutputLost) process.stderr.write(`pforte: cannot write the output: ${error.message}\n`)
  isOutputLost = true
  process.exitCode = 1
})

// There is nowhere left to say it.
process.stderr.on('error', () => {})

try {
  const exitCode = await runCommandLine(process.argv.slice(2), {
    stdout: (text) => void process.stdout.write(text),
    stdoutBytes: (bytes) => void process.stdout.write(bytes),
    stderr: (text) => void process.stderr.write(text),
    environment: process.env,
    isTerminal: process.stdout.isTTY,
    // The question goes where it does not mix with what is printed.
    ...(process.stdin.isTTY && { ask: askOn(process.stdin, process.stderr, stop.signal) }),
    signal: stop.signal,
  })
  process.exitCode = exitCode === 0 && isOutputLost ? 1 : exitCode
} catch (error) {
  // A fault of ours: the stack is for the report.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`pforte: internal error, please report it\n${text}\n`)
  process.exitCode = 1
}
