// The institute's server, or who took its place, shows another key than the pinned one: no mail, until the pin
// is changed; and a connection that is good enough for one domain is not used for a stricter one.

import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { isOpensslAvailable } from '../support/certificates.ts'
import { until } from '../e2e/support/mail.ts'
import { createAuthority, startTlsSite } from './support/tls-site.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

function pinOf(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256//${createHash('sha256').update(key).digest('base64')}`
}

test('the certificate changes', { skip }, async (t) => {
  await using stack = new AsyncDisposableStack()
  const authority = stack.use(await createAuthority())
  // Chain, name and dates do not count with a pin.
  const first = await authority.issue({ names: ['whoever.example'], isSelfSigned: true })
  const second = await authority.issue({ names: ['mail.inst.example'] })
  let institute = await startInstituteServer({ mailboxes: 'all', tls: first })
  stack.defer(() => institute.close())
  const { port } = institute
  const site = stack.use(
    await startTlsSite(authority, {
      may: { port, tls: 'opportunistic' },
      pin: { port, tls: 'pin', tlsPins: [pinOf(first.certificate)] },
      verify: { port, tls: 'verify' },
    }),
  )
  const { relay, send } = site

  await t.test('the pinned key gets the mail', async () => {
    assert.match(await send('pin'), /^250 /)
    await relay.waitForEvent((event) => event['tlsStanding'] === 'pinned')
  })

  await t.test(
    'connections that are open already carry only mail of their own policy',
    async () => {
      assert.match(await send('may'), /^250 /)
      const count = institute.mails.length
      assert.match(await send('verify'), /^451 4\.4\.1 /)
      assert.equal(institute.mails.length, count)
    },
  )

  await t.test('another key gets nothing, although its certificate is perfect', async () => {
    await institute.close()
    institute = await startInstituteServer({ mailboxes: 'all', tls: second, port })
    for (const _again of [1, 2, 3]) assert.match(await send('pin'), /^(?:451|250) /)
    assert.equal(institute.mails.length, 0)
    assert.deepEqual(
      institute.commandTexts.filter((text) => text.startsWith('MAIL')),
      [],
    )
    const failed = await relay.waitForEvent(
      (event) =>
        event['event'] === 'next-hop-failed' &&
        event['cause'] === 'tls' &&
        event['tlsPolicy'] === 'pin',
    )
    assert.ok(String(failed['detail']).includes(`its key ${pinOf(second.certificate)} is not`))
  })

  await t.test(
    'a mail that was taken over meanwhile waits, and is delivered with the new pin',
    async () => {
      const pins = [first, second].flatMap(({ certificate }) => ['--tls-pin', pinOf(certificate)])
      const { exitCode, stderr } = await relay.pforte('domain', 'set', 'pin.example', ...pins)
      assert.equal(exitCode, 0, stderr)
      await until(async () => (await send('pin')).startsWith('250') && institute.mails.length > 0)
      await until(async () => {
        await relay.pforte('queue', 'flush', '--domain', 'pin.example')
        const { stdout } = await relay.pforte('queue', 'list', '--json')
        return stdout.trim() === '[]' || stdout.includes('"entries": []')
      }, 10_000).catch(() => undefined)
      assert.ok(institute.mails.every(({ tls }) => tls !== null))
    },
  )

  await t.test('taken back: pins without the policy are refused', async () => {
    const { exitCode, stderr } = await relay.pforte(
      'domain',
      'set',
      'pin.example',
      '--tls',
      'verify',
    )
    assert.notEqual(exitCode, 0)
    assert.match(stderr, /--tls-pin: means something only with tls: pin/)
  })
})
