// A question to the person at the terminal.

import { createInterface } from 'node:readline'

/** One line without its end, or null: the input has ended, or the signal was aborted. */
export function askOn(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  signal: AbortSignal,
): (question: string) => Promise<string | null> {
  return async (question) => {
    if (signal.aborted) return null
    output.write(question)
    // The terminal edits the line itself; so Ctrl-C stays the signal that it is everywhere else.
    const lines = createInterface({ input, terminal: false })
    const close = (): void => lines.close()
    signal.addEventListener('abort', close, { once: true })
    try {
      return await new Promise((resolve) => {
        lines.once('line', resolve)
        lines.once('close', () => {
          output.write('\n')
          resolve(null)
        })
      })
    } finally {
      signal.removeEventListener('abort', close)
      lines.removeAllListeners('close')
      lines.close()
    }
  }
}
