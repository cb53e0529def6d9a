// What one node costs, measured: the constants of the model, kept in capacity.json.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export interface Constants {
  /** CPU of all processes, milliseconds. A mail of 4 KiB to one known recipient, its session not counted. */
  readonly mailMs: number
  /** Connecting, banner, EHLO, QUIT, closing. */
  readonly sessionMs: number
  /** STARTTLS and the handshake, no session resumed. */
  readonly tlsMs: number
  /** A question to the next hop about one recipient. */
  readonly questionMs: number
  /** Each recipient after the first. */
  readonly recipientMs: number
  /** Each MiB of content that goes through memory, and through a file. */
  readonly memoryMibMs: number
  readonly fileMibMs: number
  /** A mail to the spool instead of the next hop. */
  readonly spoolMailMs: number
  /** With the generator on the same machine. */
  readonly spoolMailsPerSecond: number
  readonly idleSessionBytes: number
  /** All processes, started, two workers. */
  readonly baseBytes: number
  /** In each process. */
  readonly domainBytes: number
  readonly addressBytes: number
  readonly storedAddressBytes: number
  /** Of 4 KiB. */
  readonly spoolEntryBytes: number
}

const file = path.join(import.meta.dirname, '..', 'capacity.json')

export function keepConstants(changes: Partial<Constants>): void {
  const rounded = Object.entries(changes).map(
    ([name, value]) => [name, Number(value.toPrecision(3))] as const,
  )
  const all = { ...readAll(), ...Object.fromEntries(rounded) }
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`)
}

/** Throws when nothing was ever measured. */
export function readConstants(): Constants {
  const all = readAll()
  if (all['mailMs'] === undefined) throw new Error('no constants: run the measured parts first')
  return all as unknown as Constants
}

function readAll(): Readonly<Record<string, number>> {
  if (!existsSync(file)) return {}
  return JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, number>>
}
