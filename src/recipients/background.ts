// Work that nobody waits for, but the end of the program.

export class Background {
  readonly #tasks = new Set<Promise<void>>()
  readonly #onFault: (recipient: string, error: unknown) => void

  constructor(onFault: (recipient: string, error: unknown) => void) {
    this.#onFault = onFault
  }

  /** A failure is told with the recipient it is about. */
  run(recipient: string, work: () => Promise<void>): void {
    const task = work()
      .catch((error: unknown) => {
        this.#onFault(recipient, error)
      })
      .finally(() => {
        this.#tasks.delete(task)
      })
    this.#tasks.add(task)
  }

  /** What runs now has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#tasks)
  }
}
