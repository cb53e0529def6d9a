// The fields the relay puts in front of a mail: how it went out, then how it came in.

export interface TracedMail {
  /** `Pforte-TLS`, whole; '' if it is not the first field. */
  readonly wayOut: string
  /** `Received`, whole; '' if it does not follow. */
  readonly received: string
  readonly rest: string
}

export function splitTrace(wire: string): TracedMail {
  const wayOut = /^Pforte-TLS: .*\r\n(?:\t.*\r\n)*/.exec(wire)?.[0] ?? ''
  const behind = wire.slice(wayOut.length)
  const received = /^Received: .*\r\n(?:\t.*\r\n)*/.exec(behind)?.[0] ?? ''
  return { wayOut, received, rest: behind.slice(received.length) }
}
