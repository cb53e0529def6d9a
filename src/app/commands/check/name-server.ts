// Name servers as people write them.

import { isIP } from '#net/address.ts'
import type { NameServer } from '#dns/query.ts'

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`; null: none of these. */
export function parseNameServer(written: string): NameServer | null {
  if (isIP(written)) return { address: written, port: 53 }
  const match = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(written)
  const address = match?.[1] ?? match?.[2] ?? ''
  return isIP(address) ? { address, port: Number(match?.[3] ?? 53) } : null
}
