import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { startInstituteServer } from '../../../../demo/institute-server.ts'
import { createAuthority, isOpensslAvailable } from '../../../../test/support/certificates.ts'
import {
  examineZone,
  findingOf,
  goodMx,
  relay1,
  relay2,
  relays,
  server,
} from '../../../../test/support/examined-zone.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

describe('TLSA of the relays and the certificates that they show', () => {
  const place = (relay: string): string => `_25._tcp.${relay}`
  const unknown = `030101${'ab'.repeat(32)}`

  interface Shown {
    readonly name: string
    /** Of both relays, of what the first shows; `key` is its digest, `ca` that of its authority. */
    readonly tlsa: (digests: { readonly key: string; readonly ca: string }) => readonly string[]
    /** Name in the certificate; default: that of the relay. */
    readonly issuedFor?: string
    readonly server?: 'in clear' | 'down'
    readonly kind: string
    readonly subtype: string | null
  }
  const cases: readonly Shown[] = [
    {
      name: 'the key of one record',
      tlsa: ({ key }) => [unknown, `030101${key}`],
      kind: 'met',
      subtype: null,
    },
    { name: 'the key of none', tlsa: () => [unknown], kind: 'violated', subtype: 'mismatch' },
    { name: 'the authority', tlsa: ({ ca }) => [`020001${ca}`], kind: 'met', subtype: null },
    {
      name: 'the authority, for another name',
      tlsa: ({ ca }) => [`020001${ca}`],
      issuedFor: 'other.example',
      kind: 'violated',
      subtype: 'mismatch',
    },
    {
      name: 'the key, for another name',
      tlsa: ({ key }) => [`030101${key}`],
      issuedFor: 'other.example',
      kind: 'met',
      subtype: null,
    },
    {
      name: 'a usage that does not count for SMTP',
      tlsa: ({ key }) => [`010101${key}`],
      kind: 'violated',
      subtype: 'unusable',
    },
    {
      name: 'no STARTTLS',
      tlsa: ({ key }) => [`030101${key}`],
      server: 'in clear',
      kind: 'violated',
      subtype: 'mismatch',
    },
    {
      name: 'not reached',
      tlsa: ({ key }) => [`030101${key}`],
      server: 'down',
      kind: 'undetermined',
      subtype: 'not-reached',
    },
  ]
  for (const each of cases) {
    test(each.name, { skip }, async () => {
      await using authority = await createAuthority()
      const leaf = await authority.issue({
        names: each.issuedFor === undefined ? [...relays] : [each.issuedFor],
      })
      const { certificate, key } = leaf
      const chain = `${certificate}${authority.ca.certificate}`
      const tls = each.server === 'in clear' ? {} : { tls: { certificate: chain, key } }
      await using first = await startInstituteServer(tls)
      await using second = await startInstituteServer({
        ...tls,
        address: '127.0.0.2',
        port: first.port,
      })
      if (each.server === 'down') await second.pause()
      const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
      const { publicKey } = new X509Certificate(certificate)
      const records = each.tlsa({
        key: digest(publicKey.export({ type: 'spki', format: 'der' })),
        ca: digest(new X509Certificate(authority.ca.certificate).raw),
      })
      const tlsa = {
        raw: { 52: records.map((hex) => Buffer.from(hex, 'hex')) },
        isVerified: true,
      } as const
      const report = await examineZone(
        {
          'inst.example': { mx: goodMx },
          [relay1]: { a: ['127.0.0.1'] },
          [relay2]: { a: ['127.0.0.2'] },
          [place(relay1)]: tlsa,
          [place(relay2)]: tlsa,
        },
        [server.address, server.address],
        { relayPort: first.port },
      )
      const finding = findingOf(report, 'relay-tlsa')
      assert.deepEqual(
        [finding.kind, finding.subtype],
        [each.kind, each.subtype],
        JSON.stringify(finding),
      )
      assert.ok(!first.commandTexts.some((line) => line.startsWith('MAIL')))
    })
  }
  test('on port 25 a name that leads into this machine is not contacted', async () => {
    const tlsa = { raw: { 52: [Buffer.from(unknown, 'hex')] }, isVerified: true } as const
    const report = await examineZone(
      {
        'inst.example': { mx: goodMx },
        [relay1]: { a: ['127.0.0.1'] },
        [relay2]: { a: ['127.0.0.1'] },
        [place(relay1)]: tlsa,
        [place(relay2)]: tlsa,
      },
      [server.address, server.address],
    )
    assert.equal(findingOf(report, 'relay-tlsa').subtype, 'not-reached')
  })
})
