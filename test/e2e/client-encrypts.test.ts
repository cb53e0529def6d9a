// STARTTLS on the relay's own side (RFC 3207).

import assert from 'node:assert/strict'
import { copyFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import {
  createAuthority,
  isOpensslAvailable,
  type CertificateFiles,
  type TestAuthority,
} from '../support/certificates.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts'
import { endpointOf, openSession, plainContent, sendMail, until } from './support/mail.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('STARTTLS', { skip }, async (t) => {
  let authority: TestAuthority
  let folder: TemporaryFolder
  let institute: InstituteServer
  let relay: TestRelay
  let certificate: string
  let key: string

  before(async () => {
    authority = await createAuthority()
    folder = await temporaryFolder()
    certificate = path.join(folder.path, 'relay.pem')
    key = path.join(folder.path, 'relay.key')
    await install(await authority.issue({ names: ['mailrelay1.example.org'] }))
    institute = await startInstituteServer({ mailboxes: 'all' })
    relay = await startRelay({
      domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
      config: { tls: { certificates: [{ certificate, key }] } },
    })
  })
  after(async () => {
    await relay[Symbol.asyncDispose]()
    await institute.close()
    await folder[Symbol.asyncDispose]()
    await authority[Symbol.asyncDispose]()
  })

  async function install(files: CertificateFiles): Promise<void> {
    await copyFile(files.keyPath, `${key}.new`)
    await copyFile(files.certificatePath, `${certificate}.new`)
    await rename(`${key}.new`, key)
    await rename(`${certificate}.new`, certificate)
  }

  /** The names in the certificate that the next handshake shows; the chain is verified. */
  async function shownNames(): Promise<string> {
    await using client = await openSession(relay)
    const socket = await client.startTls({
      ca: authority.ca.certificate,
      rejectUnauthorized: true,
      checkServerIdentity: () => undefined,
    })
    return socket.getPeerCertificate().subjectaltname ?? ''
  }

  await t.test('a mail over TLS tells of it in the trace field', async () => {
    await using client = await openSession(relay)
    const socket = await client.startTls({
      ca: authority.ca.certificate,
      rejectUnauthorized: true,
      servername: 'mailrelay1.example.org',
    })
    // RFC 3207 §4.2: what was said before is forgotten.
    await client.command('MAIL FROM:<s@sender.example>', 503)
    const offered = await client.command('EHLO client.example', 250)
    assert.doesNotMatch(offered, /STARTTLS/)
    await client.command('STARTTLS', 503)
    const sent = await sendMail(client, { to: 'a@inst.example' })
    assert.match(sent.final ?? '', /^250 /)
    const header = institute.mails.at(-1)?.headerText ?? ''
    assert.match(header, / with ESMTPS id /)
    const cipher = socket.getCipher().standardName
    assert.ok(header.includes(`\ttls ${cipher};\r\n`), header) // RFC 8314 §4.3
    assert.equal(institute.mails.at(-1)?.wire?.toString().endsWith(`${plainContent}.\r\n`), true)
    const log = await relay.waitForEvent((event) => event['event'] === 'tls-established')
    assert.equal(log['tlsCipher'], socket.getCipher().name)
  })

  await t.test('a mail in clear does not', async () => {
    await using client = await openSession(relay)
    await sendMail(client, { to: 'a@inst.example' })
    assert.match(institute.mails.at(-1)?.headerText ?? '', / with ESMTP id /)
  })

  await t.test('bytes pipelined behind STARTTLS end the session', async () => {
    const mailCount = institute.mails.length
    await using client = await openSession(relay)
    await client.send('STARTTLS\r\nMAIL FROM:<injected@sender.example>\r\n')
    await client.expect(/^554 5\.5\.1 /)
    await client.closed()
    assert.equal(institute.mails.length, mailCount)
  })

  await t.test('plaintext instead of a handshake ends the connection, and is logged', async () => {
    await using client = await openSession(relay)
    await client.command('STARTTLS', 220)
    await client.send('EHLO injected.example\r\n')
    await relay.waitForEvent((event) => event['event'] === 'tls-failed')
    const failed = relay.events('tls-failed').at(-1)
    const closed = await relay.waitForEvent(
      (event) => event['event'] === 'session-closed' && event['session'] === failed?.['session'],
    )
    assert.equal(closed['reason'], 'tls-failed')
    assert.ok(!relay.log().includes('injected.example'))
  })

  await t.test('a client that vanishes during the handshake leaves nothing behind', async () => {
    const count = relay.events('tls-failed').length
    const client = await openSession(relay)
    await client.command('STARTTLS', 220)
    client.reset()
    await until(() => relay.events('tls-failed').length > count)
    assert.deepEqual(relay.events('internal-error'), [])
  })

  await t.test('a certificate replaced on disk is used after SIGHUP', async () => {
    assert.equal(await shownNames(), 'DNS:mailrelay1.example.org')
    await install(await authority.issue({ names: ['second.example.org'] }))
    relay.signal('SIGHUP')
    await until(async () => (await shownNames()) === 'DNS:second.example.org')
  })

  await t.test('a session that is open keeps what it began with', async () => {
    await using client = await openSession(relay)
    await client.startTls()
    await client.command('EHLO client.example', 250)
    assert.match((await sendMail(client, { to: 'a@inst.example' })).final ?? '', /^250 /)
  })

  await t.test('a broken file keeps the old certificate, and is logged', async () => {
    await writeFile(certificate, 'not a certificate')
    relay.signal('SIGHUP')
    await relay.waitForEvent((event) => event['event'] === 'certificates-failed')
    assert.equal(await shownNames(), 'DNS:second.example.org')
  })

  await t.test('a certificate replaced on disk is found without being told', async () => {
    await install(await authority.issue({ names: ['third.example.org'] }))
    await until(async () => (await shownNames()) === 'DNS:third.example.org', 8000)
    await relay.waitForEvent((event) => event['event'] === 'certificates-reloaded')
  })

  await t.test('SIGHUP without certificates does not offer STARTTLS', async () => {
    await using plain = await startRelay({ domains: [] })
    plain.signal('SIGHUP')
    await plain.waitForEvent((event) => event['event'] === 'config-reloaded')
    await using client = await connectRaw({ port: plain.port })
    await client.expect(220)
    assert.doesNotMatch(await client.command('EHLO client.example', 250), /STARTTLS/)
    await client.command('STARTTLS', 502)
  })
})
