// Where the scenes play: prints them one after the other, and notes what goes differently than it must.

import type { DialogLine, Sender, SenderReply } from './sender.ts'
import type { Paint, Terminal } from './terminal.ts'

export class Stage {
  readonly terminal: Terminal
  /** What was not as expected, in full sentences with the scene's number. */
  readonly problems: string[] = []
  readonly #signal: AbortSignal
  #scene = 0

  /** `signal`: the demo is to end; every further step then throws its reason. */
  constructor(terminal: Terminal, signal: AbortSignal) {
    this.terminal = terminal
    this.#signal = signal
  }

  scene(title: string, why: string): void {
    this.#signal.throwIfAborted()
    this.#scene += 1
    this.terminal.line()
    this.terminal.line(`${this.#scene}  ${title}`, 'bold')
    this.terminal.text(why, { indent: 3 })
    this.terminal.line()
  }

  heading(title: string): void {
    this.#signal.throwIfAborted()
    this.terminal.line()
    this.terminal.line(title, 'bold')
  }

  say(text: string, paint: Paint = 'plain'): void {
    this.#signal.throwIfAborted()
    this.terminal.text(text, { indent: 3, paint })
  }

  /** What a program printed, cleaned of the end of its last line. */
  output(text: string): void {
    this.#signal.throwIfAborted()
    const rows = text.trimEnd().split('\n')
    for (const row of rows) {
      const indent = /^ */.exec(row)?.[0].length ?? 0
      if (row === '') this.terminal.line()
      else this.terminal.text(row.trimStart(), { indent: 4 + indent, hanging: 2 })
    }
  }

  dialog(lines: readonly DialogLine[]): void {
    this.#signal.throwIfAborted()
    for (const { by, text } of lines) {
      if (by === 'note') this.terminal.text(text, { indent: 7, paint: 'dim' })
      else {
        const paint = by === 'client' ? 'client' : paintOf(text)
        this.terminal.text(text, {
          indent: 4,
          prefix: by === 'client' ? 'C: ' : 'S: ',
          paint,
          hanging: 4,
        })
      }
    }
  }

  /** The dialog of one mail, without greeting and goodbye, which are the same every time. */
  mailDialog(sender: Pick<Sender, 'dialog'>): void {
    const start = sender.dialog.findIndex(({ text }) => text.startsWith('MAIL '))
    const end = sender.dialog.findIndex(({ text }) => text === 'QUIT')
    this.dialog(sender.dialog.slice(Math.max(0, start), end < 0 ? undefined : end))
  }

  /** Every reply of the relay that matters goes through here. */
  expectReply(reply: SenderReply, code: number, words: RegExp, to: string): void {
    const text = reply.lines.join(' / ')
    this.check(
      reply.code === code && words.test(text),
      `expected ${code} with ${words.source} to ${to}, got: ${text}`,
    )
  }

  check(isAsExpected: boolean, problem: string): void {
    this.#signal.throwIfAborted()
    if (isAsExpected) return
    const text = this.#scene === 0 ? problem : `scene ${this.#scene}: ${problem}`
    this.problems.push(text)
    this.terminal.text(`NOT AS EXPECTED: ${text}`, { indent: 3, paint: 'bad' })
  }

  /** Waits, but not longer than the demo runs. */
  async pause(milliseconds: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
    this.#signal.throwIfAborted()
  }
}

function paintOf(reply: string): Paint {
  if (reply.startsWith('4')) return 'later'
  if (reply.startsWith('5')) return 'bad'
  return 'good'
}
