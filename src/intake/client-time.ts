// How long a client may take over what is awaited from it: a whole command, or content by its rate. Numbers
// only; nothing is made for a piece of content.

/** Of content: the longest pause, and the slowest rate. */
export interface ContentPace {
  readonly pauseMs: number
  /** 0: any. */
  readonly minBytesPerSecond: number
}

/**
 * As Postfix with `smtpd_per_request_deadline`: a command has to be whole in time, however many pieces it
 * comes in; content has a budget of `pauseMs`, to which each byte adds its share at the slowest rate, and
 * which never grows beyond `pauseMs`. Time in which the relay itself does not read costs nothing.
 */
export class ClientTime {
  /** Monotonic milliseconds; Infinity: nothing is awaited, or the relay is the one who holds up. */
  get deadlineMs(): number {
    return this.#heldSinceMs === null ? this.#deadlineMs : Infinity
  }

  #deadlineMs = Infinity
  #heldSinceMs: number | null = null

  /** A command, or the first piece of content, is awaited from now on. */
  begin(nowMs: number, budgetMs: number): void {
    this.#deadlineMs = nowMs + budgetMs
    this.#heldSinceMs = null
  }

  /** A piece of content has come. */
  took(bytes: number, nowMs: number, { pauseMs, minBytesPerSecond }: ContentPace): void {
    const earnedMs = minBytesPerSecond === 0 ? Infinity : (bytes * 1000) / minBytesPerSecond
    this.#deadlineMs = Math.min(nowMs + pauseMs, this.#deadlineMs + earnedMs)
  }

  /** Times have become shorter. */
  shorten(nowMs: number, budgetMs: number): void {
    this.#deadlineMs = Math.min(this.#deadlineMs, nowMs + budgetMs)
  }

  /** The relay stops reading for reasons of its own. */
  hold(nowMs: number): void {
    this.#heldSinceMs ??= nowMs
  }

  /** It reads again. */
  release(nowMs: number): void {
    if (this.#heldSinceMs === null) return
    this.#deadlineMs += nowMs - this.#heldSinceMs
    this.#heldSinceMs = null
  }
}
