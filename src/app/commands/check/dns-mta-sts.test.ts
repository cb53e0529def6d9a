import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAuthority, isOpensslAvailable } from '../../../../test/support/certificates.ts'
import type { Zone } from '../../../../test/support/dns-server.ts'
import { goodMx, relay1, relays, run, txt } from '../../../../test/support/examined-zone.ts'
import { startPolicyHost } from '../../../../test/support/policy-host.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

describe('MTA-STS: the policy in force must name both relays', () => {
  const zone: Zone = {
    'inst.example': { mx: goodMx },
    '_mta-sts.inst.example': { raw: { 16: txt('v=STSv1; id=1;') } },
  }
  const policy = (mode: string, ...mx: readonly string[]): string =>
    [
      'version: STSv1',
      `mode: ${mode}`,
      ...mx.map((each) => `mx: ${each}`),
      'max_age: 86400',
      '',
    ].join('\r\n')
  for (const [name, answer, verdict, subtype, code] of [
    ['both', { status: 200, body: policy('enforce', ...relays) }, 'met', null, 0],
    ['a wildcard', { status: 200, body: policy('enforce', '*.example.org') }, 'met', null, 0],
    ['one is missing', { status: 200, body: policy('enforce', relay1) }, 'violated', 'enforce', 1],
    ['only tested', { status: 200, body: policy('testing', relay1) }, 'violated', 'testing', 0],
    ['switched off', { status: 200, body: policy('none') }, 'met', null, 0],
    ['not a policy', { status: 200, body: '<html>' }, 'violated', 'invalid', 0],
    ['not there', { status: 404, body: policy('enforce', ...relays) }, 'violated', 'status', 0],
    [
      'somewhere else, where nobody may be sent',
      { status: 302, body: '', headers: { location: '/elsewhere' } },
      'violated',
      'redirect',
      0,
    ],
    ['endless', { status: 200, body: 'x'.repeat(70_000) }, 'undetermined', 'not-fetched', 0],
  ] as const) {
    test(name, { skip }, async () => {
      await using authority = await createAuthority()
      await using host = await startPolicyHost(
        await authority.issue({ names: ['mta-sts.inst.example'] }),
      )
      host.answer = answer
      const ran = await run(
        zone,
        '--json',
        '--policy-server',
        host.address,
        '--ca',
        authority.ca.certificatePath,
      )
      assert.deepEqual([ran.verdicts['mta-sts'], ran.subtypes['mta-sts']], [verdict, subtype])
      assert.equal(ran.code, code)
      assert.deepEqual(host.requests, ['mta-sts.inst.example/.well-known/mta-sts.txt'])
    })
  }
  test('a certificate that is not for mta-sts.DOMAIN, or of nobody', { skip }, async () => {
    await using authority = await createAuthority()
    await using host = await startPolicyHost(await authority.issue({ names: ['inst.example'] }))
    host.answer = { status: 200, body: policy('enforce', relay1) }
    const place = ['--json', '--policy-server', host.address]
    const otherName = await run(zone, ...place, '--ca', authority.ca.certificatePath)
    const untrusted = await run(zone, ...place)
    for (const { verdicts, subtypes } of [otherName, untrusted]) {
      assert.deepEqual([verdicts['mta-sts'], subtypes['mta-sts']], ['violated', 'certificate'])
    }
    assert.deepEqual(host.requests, [])
  })
  test('a host that leads into this machine is not contacted', async () => {
    const { subtypes } = await run(
      { ...zone, 'mta-sts.inst.example': { a: ['127.0.0.1'] } },
      '--json',
    )
    assert.equal(subtypes['mta-sts'], 'no-host')
  })
})
