// What the protocol attacks have in common: a relay before an institute's server that takes everything, a client
// that is about to send content, and the question whether the next client is served.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { startInstituteServer, type InstituteServer } from '../../../demo/institute-server.ts'
import { endpointOf, openSession, sendOneMail } from '../../e2e/support/mail.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { startRelay, type TestRelay } from '../../support/relay.ts'
import { splitTrace } from '../../support/trace-fields.ts'

export interface ProtocolSite extends AsyncDisposable {
  readonly institute: InstituteServer
  readonly relay: TestRelay
}

/** The relay serves inst.example; `config` is merged over its configuration. */
export async function openProtocolSite(
  config: Readonly<Record<string, unknown>> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<ProtocolSite> {
  await using stack = new AsyncDisposableStack()
  const institute = stack.use(await startInstituteServer({ mailboxes: 'all' }))
  const domains = [{ domain: 'inst.example', to: endpointOf(institute) }]
  const relay = stack.use(await startRelay({ domains, config, environment }))
  const rest = stack.move()
  return { institute, relay, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

/** A session with a transaction that has one recipient: DATA or BDAT may follow. */
export async function openTransaction(relay: TestRelay): Promise<RawClient> {
  const client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  return client
}

/** A mail of another client gets through, and is the only one that did since `countBefore`. */
export async function assertOnlyNextIsServed(
  { institute, relay }: ProtocolSite,
  countBefore: number,
): Promise<void> {
  assert.equal(institute.mails.length, countBefore, 'something was handed over')
  const { final } = await sendOneMail(relay, { to: 'next@inst.example' })
  assert.match(final ?? '', /^250 /)
  assert.equal(institute.mails.length, countBefore + 1)
  assert.deepEqual(institute.mails.at(-1)?.recipients, ['next@inst.example'])
}

/** Wire form of the mail the institute got last, without the relay's trace fields. */
export function lastWire(institute: InstituteServer): string {
  const wire = institute.mails.at(-1)?.wire?.toString('latin1') ?? ''
  return splitTrace(wire).rest
}

/** Most memory the relay has had so far, in bytes. */
export function peakMemoryBytes(relay: TestRelay): number {
  const status = readFileSync(`/proc/${relay.pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** Memory the relay has now, in bytes. */
export function residentBytes(relay: TestRelay): number {
  const status = readFileSync(`/proc/${relay.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** `BDAT n` and its octets, in one write. */
export function bdat(octets: string, last: 'LAST' | '' = ''): string {
  return `BDAT ${Buffer.byteLength(octets)}${last === '' ? '' : ' LAST'}\r\n${octets}`
}
