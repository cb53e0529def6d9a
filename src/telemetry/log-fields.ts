// What a log line is made of before it is encoded.

/** Objects occur only in lists (`transfers`). */
export type LogValue =
  | string
  | number
  | boolean
  | null
  | readonly string[]
  | readonly Readonly<Record<string, string | number | boolean | null>>[]

export type LogFields = Record<string, LogValue>

/** Milliseconds with at most one digit after the point. */
export function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** `[2001:db8::1]:25`, `192.0.2.1:25`. */
export function endpointText({
  address,
  port,
}: {
  readonly address: string
  readonly port: number
}): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
