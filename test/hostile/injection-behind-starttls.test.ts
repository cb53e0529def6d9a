// CVE-2011-0411: commands that are sent behind STARTTLS in clear must not be taken for encrypted ones later.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openSession, sendMail } from '../e2e/support/mail.ts'
import { createAuthority, isOpensslAvailable, type TestAuthority } from '../support/certificates.ts'
import {
  assertOnlyNextIsServed,
  openProtocolSite,
  type ProtocolSite,
} from './support/protocol-site.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('injection behind STARTTLS', { skip }, async (t) => {
  let authority: TestAuthority
  let site: ProtocolSite
  before(async () => {
    authority = await createAuthority()
    const files = await authority.issue({ names: ['mailrelay1.example.org'] })
    const certificates = [{ certificate: files.certificatePath, key: files.keyPath }]
    site = await openProtocolSite({ tls: { certificates } })
  })
  after(async () => {
    await site[Symbol.asyncDispose]()
    await authority[Symbol.asyncDispose]()
  })

  const injected =
    'EHLO evil.example\r\nMAIL FROM:<ceo@bank.example>\r\nRCPT TO:<a@inst.example>\r\nDATA\r\nSubject: evil\r\n\r\n.\r\n'

  await t.test('commands in the same packet end the session, none is carried out', async () => {
    for (const behind of [injected, 'NOOP\r\n', 'N', '\0', '\r\n']) {
      await using client = await openSession(site.relay)
      await client.send(`STARTTLS\r\n${behind}`)
      await client.expect(/^554 5\.5\.1 /)
      await client.closed()
    }
    await assertOnlyNextIsServed(site, 0)
  })

  await t.test(
    'commands in the next packet, before the handshake: it fails, none is carried out',
    async () => {
      site.institute.clear()
      await using client = await openSession(site.relay)
      await client.command('STARTTLS', 220)
      await client.send(injected)
      await client.closed().catch(() => undefined) // a TLS alert may come first
      await site.relay.waitForEvent((event) => event['event'] === 'tls-failed')
      await assertOnlyNextIsServed(site, 0)
    },
  )

  await t.test('a transaction begun in clear does not go on encrypted', async () => {
    site.institute.clear()
    await using client = await openSession(site.relay)
    await client.startTls()
    await client.command('MAIL FROM:<s@sender.example>', /^503 5\.5\.1 Send EHLO or HELO first/)
    await client.command('EHLO client.example', 250)
    const { final } = await sendMail(client, { to: 'a@inst.example' })
    assert.match(final ?? '', /^250 /)
    await using other = await openSession(site.relay)
    await other.command('MAIL FROM:<s@sender.example>', 250)
    await other.command('STARTTLS', 503)
    await assertOnlyNextIsServed(site, 1)
  })

  await t.test('octets of a chunk that look like STARTTLS are octets', async () => {
    site.institute.clear()
    await using client = await openSession(site.relay)
    await client.send('BDAT 10 LAST\r\nSTARTTLS\r\nNOOP\r\n')
    await client.expect(/^503 /)
    await client.expect(/^250 /)
    await assertOnlyNextIsServed(site, 0)
  })
})
