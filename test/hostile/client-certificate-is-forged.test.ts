// `tls.clients: ask`: whatever certificate a client shows, it is served all the same, and what is said of it is
// what was found out, not what it says of itself.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import {
  createAuthority,
  isOpensslAvailable,
  type CertificateFiles,
} from '../support/certificates.ts'
import { startRelay } from '../support/relay.ts'
import { endpointOf, openSession, sendMail, until } from '../e2e/support/mail.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('certificates of clients', { skip }, async (t) => {
  await using stack = new AsyncDisposableStack()
  const authority = stack.use(await createAuthority())
  const stranger = stack.use(await createAuthority())
  const own = await authority.issue({ names: ['mailrelay1.example.org'] })
  const name = { names: ['mx.sender.example'] }
  const institute = stack.use(await startInstituteServer({ mailboxes: 'all' }))
  const relay = stack.use(
    await startRelay({
      domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
      config: {
        tls: {
          certificates: [{ certificate: own.certificatePath, key: own.keyPath }],
          ca: authority.ca.certificatePath,
          clients: 'ask',
        },
      },
    }),
  )
  const cases: Readonly<Record<string, readonly [CertificateFiles | null, RegExp]>> = {
    'of an authority': [await authority.issue(name), /^verified: DNS:mx\.sender\.example$/],
    none: [null, /^none$/],
    'of another authority': [await stranger.issue(name), /^unverified: its authority is not/],
    'signed by itself': [
      await authority.issue({ ...name, isSelfSigned: true }),
      /^unverified: it is signed by itself$/,
    ],
    expired: [await authority.issue({ ...name, isExpired: true }), /^unverified: .*has expired/],
    'with a name that would be a comment': [
      await authority.issue({ names: ['a)b(verified.example'] }),
      /^verified: DNS:/,
    ],
  }
  for (const [what, [files, words]] of Object.entries(cases)) {
    await t.test(what, async () => {
      const count = relay.events('tls-established').length
      await using client = await openSession(relay)
      await client.startTls(files === null ? {} : { cert: files.certificate, key: files.key })
      await client.command('EHLO client.example', 250)
      assert.match((await sendMail(client, { to: 'a@inst.example' })).final ?? '', /^250 /)
      await until(() => relay.events('tls-established').length > count)
      assert.match(String(relay.events('tls-established').at(-1)?.['clientCertificate']), words)
      const header = institute.mails.at(-1)?.headerText ?? ''
      const said = /\r\n\t\(client certificate ([^\r]*)\);\r\n/.exec(header)?.[1] ?? ''
      assert.match(said, /^(?:verified|unverified|none)/)
      assert.equal(said.startsWith('verified'), words.source.startsWith('^verified'))
      assert.doesNotMatch(said, /[()]/)
    })
  }
})
