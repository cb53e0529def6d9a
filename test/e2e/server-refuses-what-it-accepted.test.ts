// What an institute's server refuses of real mail is counted, and people hear of it once (decision 047). Once in
// one process and once with a coordinator and a worker.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { startRelay } from '../support/relay.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { endpointOf, openSession, sendOneMail } from './support/mail.ts'

const patienceMs = 120_000

type Event = Readonly<Record<string, unknown>>
const isKind =
  (kind: string, fields: Event = {}) =>
  (event: Event): boolean =>
    event['event'] === kind &&
    Object.entries(fields).every(([name, value]) => event[name] === value)

for (const workers of [0, 1]) {
  test(`content is refused: counted, told to both, kept over a restart (workers: ${workers})`, async () => {
    await using folder = await temporaryFolder()
    await using institute = await startInstituteServer({
      mailboxes: ['a@inst.example', 'contact@inst.example'],
    })
    await using office = await startInstituteServer({
      mailboxes: ['operator@office.example', 'contact@office.example'],
    })
    const options = {
      folder: folder.path,
      domains: [
        { domain: 'inst.example', to: endpointOf(institute) },
        { domain: 'office.example', to: endpointOf(office) },
      ],
      config: { workers, postmaster: 'operator@office.example' },
    }
    const checked = ['check', '127.0.0.1', '--port', String(institute.port), '--json'] as const
    const only = ['--domain', 'inst.example', '--only', 'production-rejections'] as const
    {
      await using relay = await startRelay(options)
      await relay.pforte('domain', 'set', 'inst.example', '--contact', 'contact@office.example')
      assert.match((await sendOneMail(relay, { to: 'a@inst.example' })).final ?? '', /^250 /)
      assert.deepEqual(relay.events('late-refusal'), [])
      const before = await relay.pforte(...checked, ...only)
      assert.equal(JSON.parse(before.stdout).findings[0].verdict, 'met', before.stdout)

      institute.setScript({ stageReplies: { final: '550 5.7.1 Spam for <a@inst.example>' } })
      assert.match((await sendOneMail(relay, { to: 'a@inst.example' })).final ?? '', /^550 /)
      const seen = await relay.waitForEvent(isKind('late-refusal'), patienceMs)
      assert.deepEqual(
        [seen['domain'], seen['refused'], seen['recipients']],
        ['inst.example', 'content', ['a@inst.example']],
      )
      await relay.waitForEvent(isKind('verdict-changed', { finding: 'violated' }), patienceMs)
      const mails = await office.waitForMails(2, patienceMs)
      assert.deepEqual(mails.flatMap(({ recipients }) => recipients).toSorted(), [
        'contact@office.example',
        'operator@office.example',
      ])
      assert.match(mails[0]?.content?.toString() ?? '', /production-rejections/)
      assert.match((await sendOneMail(relay, { to: 'a@inst.example' })).final ?? '', /^550 /)
      await relay.waitForEvent(() => relay.events('late-refusal').length === 2, patienceMs)
      const status = await relay.pforte('status')
      assert.match(
        status.stdout,
        /Late refusals: 1 domain, 1 degraded\n {2}inst\.example: DEGRADED since .* 2 refusals after DATA/,
      )
      relay.signal('SIGTERM')
      await relay.ended
      assert.equal(relay.events('alert-raised').length, 1)
    }
    await using relay = await startRelay(options)
    const shown = await relay.pforte('domain', 'profile', 'inst.example')
    assert.match(
      shown.stdout,
      /refused of real mail, last 24 h\n +degraded since .*\n +after DATA +2\n/,
    )
    const after = await relay.pforte(...checked, ...only)
    const [finding] = JSON.parse(after.stdout).findings
    assert.equal(after.exitCode, 1)
    assert.equal(finding.subtype, 'data-rejection')
    assert.ok(!after.stdout.includes('<a@inst.example>'), 'addresses of people are masked')
    await relay.pforte('status')
    assert.deepEqual(relay.events('alert-raised'), [])
  })
}

test('recipients that were accepted when asked and are refused when the mail comes', async () => {
  const to = ['a@inst.example', 'b@inst.example', 'c@inst.example']
  await using institute = await startInstituteServer({ mailboxes: to })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  })
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  for (const address of to) await client.command(`RCPT TO:<${address}>`, 250)
  institute.setScript({
    replies: Object.fromEntries(to.map((address) => [address, '554 5.7.1 not from this sender'])),
  })
  await client.command('DATA', 354)
  await client.command('Subject: x\r\n\r\nText.\r\n.', /^4/)
  const changed = await relay.waitForEvent(isKind('verdict-changed'), patienceMs)
  assert.match(String(changed['detail']), /^3 recipients refused in 24 h/)
  const [seen] = relay.events('late-refusal')
  assert.deepEqual([seen?.['refused'], seen?.['recipientCount']], ['recipient', 3])
})

test('a mail in the spool, refused when its server is back, counts as well', async () => {
  await using institute = await startInstituteServer({ mailboxes: ['a@inst.example'] })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { delivery: { pauses: ['1s'] } },
  })
  assert.match((await sendOneMail(relay, { to: 'a@inst.example' })).final ?? '', /^250 /)
  institute.setScript({ stageReplies: { final: '421 4.3.2 Going down' } })
  assert.match((await sendOneMail(relay, { to: 'a@inst.example' })).final ?? '', /taken over/)
  assert.deepEqual(relay.events('late-refusal'), [], 'that is about the server, not the mail')
  institute.setScript({ stageReplies: { final: '554 5.7.1 Spam' } })
  const seen = await relay.waitForEvent(isKind('late-refusal'), patienceMs)
  assert.match(String(seen['serverReply']), /^554 /)
  await relay.waitForEvent(isKind('verdict-changed'), patienceMs)
})
