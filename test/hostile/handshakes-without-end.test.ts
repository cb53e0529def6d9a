// Clients that begin a TLS handshake and do not go on. While places, or what the process needs, run short, they are
// given little time, and there are only so many of them; who does go on is served.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openSession, sendMail, until } from '../e2e/support/mail.ts'
import { createAuthority, isOpensslAvailable, type TestAuthority } from '../support/certificates.ts'
import type { RawClient } from '../support/raw-client.ts'
import {
  assertOnlyNextIsServed,
  openProtocolSite,
  type ProtocolSite,
} from './support/protocol-site.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

/** A handshake record of 512 octets that holds a ClientHello: and no more of it. */
const beginning = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])

test('handshakes without end', { skip }, async (t) => {
  let authority: TestAuthority
  let tls: object
  before(async () => {
    authority = await createAuthority()
    const files = await authority.issue({ names: ['mailrelay1.example.org'] })
    tls = { certificates: [{ certificate: files.certificatePath, key: files.keyPath }] }
  })
  after(() => authority[Symbol.asyncDispose]())

  const openSite = (config: object, environment = {}): Promise<ProtocolSite> =>
    openProtocolSite({ tls, greeting: { connections: { mode: 'off' } }, ...config }, environment)

  /** Sessions in the middle of a handshake. */
  async function stuck(site: ProtocolSite, count: number): Promise<readonly RawClient[]> {
    const clients: RawClient[] = []
    while (clients.length < count) {
      const client = await openSession(site.relay)
      await client.command('STARTTLS', 220)
      await client.sendBytes(beginning)
      clients.push(client)
    }
    return clients
  }

  async function assertEnded(clients: readonly RawClient[], withinMs: number): Promise<void> {
    const startMs = performance.now()
    for (const client of clients) await client.closed(withinMs).catch(rethrowUnlessReset)
    const tookMs = performance.now() - startMs
    assert.ok(tookMs < withinMs, `${tookMs} ms`)
  }

  async function assertTlsIsServed(client: RawClient): Promise<void> {
    await client.startTls()
    await client.command('EHLO client.example', 250)
    assert.match((await sendMail(client, { to: 'a@inst.example' })).final ?? '', /^250 /)
  }

  await t.test('those that are open when places run short do not keep theirs', async () => {
    const load = { strainedTimeout: '1s' }
    await using site = await openSite({ limits: { maxSessions: 20 }, load })
    const slow = await stuck(site, 15)
    await slow[0]?.silent(1500) // as yet there is room
    const others = await Promise.all(Array.from({ length: 5 }, () => openSession(site.relay)))
    await assertEnded(slow, 8000)
    for (const other of others) await other[Symbol.asyncDispose]()
    await until(() => site.relay.events('strain-ended').length > 0)
    assert.equal(site.relay.events('tls-failed').length, 15)
    await assertOnlyNextIsServed(site, 0)
  })

  await t.test('a byte now and then does not buy time', async () => {
    const load = { strainAt: 1, strainedTimeout: '1s' }
    await using site = await openSite({ limits: { maxSessions: 100 }, load })
    await using client = await openSession(site.relay)
    await client.command('STARTTLS', 220)
    const startMs = performance.now()
    const state = { isOver: false }
    const ended = client.closed(10_000).catch(rethrowUnlessReset)
    void ended.finally(() => (state.isOver = true))
    for (let index = 0; !state.isOver && index < 80; index += 1) {
      await client.sendBytes(beginning.subarray(index, index + 1)).catch(() => undefined)
      await pause(100)
    }
    await ended
    assert.ok(performance.now() - startMs < 7000)
    await assertOnlyNextIsServed(site, 0)
  })

  await t.test(
    'above their number the oldest make room, and the next one gets through',
    async () => {
      const load = { strainAt: 1, strainedTimeout: '5min', strainedHandshakes: 5 }
      await using site = await openSite({ limits: { maxSessions: 100 }, load })
      const clients = await stuck(site, 20)
      await assertEnded(clients.slice(0, 15), 5000)
      await using last = await openSession(site.relay)
      await assertTlsIsServed(last)
      await clients.at(-1)?.silent(300)
      const failed = site.relay.events('tls-failed')
      assert.ok(failed.length >= 15 && failed.length <= 16, `${failed.length}`)
      assert.match(String(failed[0]?.['detail']), /made room/)
      for (const client of clients) await client[Symbol.asyncDispose]()
      await assertOnlyNextIsServed(site, 1)
    },
  )

  await t.test('the same while memory is short and new sessions are sent away', async () => {
    const load = { maxMemory: 90, strainedTimeout: '1s', strainedHandshakes: 5 }
    await using site = await openSite({ load }, { NODE_OPTIONS: '--max-old-space-size=150' })
    await using well = await openSession(site.relay)
    const slow = await stuck(site, 20)
    const file = site.relay.configFile
    writeFileSync(file, readFileSync(file, 'utf8').replace('maxMemory: 90', 'maxMemory: 1'))
    site.relay.signal('SIGHUP')
    await site.relay.waitForEvent(({ event }) => event === 'shedding-began')
    await assertTlsIsServed(well)
    await assertEnded(slow, 8000)
    writeFileSync(file, readFileSync(file, 'utf8').replace('maxMemory: 1', 'maxMemory: 90'))
    site.relay.signal('SIGHUP')
    await site.relay.waitForEvent(({ event }) => event === 'shedding-ended')
    await assertOnlyNextIsServed(site, 1)
  })

  await t.test('whoever ends its side within the handshake is not waited for', async () => {
    await using site = await openSite({})
    const clients = await stuck(site, 10)
    for (const client of clients) client.end()
    await assertEnded(clients, 5000)
    await until(() => site.relay.events('session-closed').length === 10)
    assert.ok(site.relay.events('session-closed').every(({ reason }) => reason === 'tls-failed'))
    await assertOnlyNextIsServed(site, 0)
  })

  await t.test('resets in the middle leave nothing behind', async () => {
    await using site = await openSite({})
    for (const client of await stuck(site, 20)) client.reset()
    await until(() => site.relay.events('session-closed').length === 20)
    assert.deepEqual(site.relay.events('internal-error'), [])
    await assertOnlyNextIsServed(site, 0)
  })
})

function rethrowUnlessReset(error: unknown): void {
  const isReset = error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
  if (!isReset) throw error
}
