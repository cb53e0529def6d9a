// What goes wrong at the start, when the operator is there to read it.

/** The log file or the metrics port cannot be opened. `code` is that of the system (ENOENT, EADDRINUSE). */
export class TelemetryOpenError extends Error {
  override readonly name = 'TelemetryOpenError'
  readonly code: string

  constructor(what: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`${what}: ${reason}`, { cause })
    this.code = codeOf(cause)
  }
}

function codeOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return ''
  return typeof cause.code === 'string' ? cause.code : ''
}
