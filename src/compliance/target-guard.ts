// When somebody else names the host, a check must not become a way into the relay's own networks (SSRF).

import { addressBits, firstOf, parseNetwork, type Network } from '#base/network.ts'

export interface TargetGuard {
  /** Only addresses in these. */
  readonly networks: readonly Network[]
  readonly ports: readonly number[]
}

/** Never a mail server of others, whatever the networks say: RFC 6890, RFC 4291 §2.5. */
const never: readonly Network[] = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
].flatMap((written) => {
  const parsed = parseNetwork(written)
  return parsed.ok ? [parsed.value] : []
})

/** Loopback, link-local, multicast and the like. */
export function isNeverAServer(address: string): boolean {
  return isIn(never, address)
}

/** Why that address and port must not be contacted; null: they may. */
export function guardProblem(guard: TargetGuard, address: string, port: number): string | null {
  if (!guard.ports.includes(port)) return `port ${port} is not one of ${guard.ports.join(', ')}`
  if (isIn(never, address)) return `${address} is loopback, link-local or multicast`
  if (!isIn(guard.networks, address)) return `${address} is in none of the permitted networks`
  return null
}

function isIn(networks: readonly Network[], address: string): boolean {
  const found = addressBits(address)
  if (found === null) return false
  const width = found.family === 4 ? 32 : 128
  return networks.some(
    ({ family, bits, length }) =>
      family === found.family && firstOf(found.bits, width, length) === bits,
  )
}
