import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, sendMail, until } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: ['a@inst.example', 'operator@inst.example'] })
  relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { postmaster: 'operator@inst.example' },
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

async function get(path: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${relay.metricsPort}${path}`)
  return { status: response.status, text: await response.text() }
}

test('every line is JSON and leads to its session; what a peer says cannot forge a line', async () => {
  await using client = await openSession(relay)
  institute.setScript({ unknownReply: '550 5.1.1 \u001b[31mred\u0007 {"event":"forged"}' })
  await client.command('NOOP \u001b[2Jx', /^/)
  const sent = await sendMail(client, { to: ['no@inst.example', 'a@inst.example'] })
  await client.command('QUIT', 221)
  assert.match(sent.final ?? '', /^250 /)
  const closed = await relay.waitForEvent((event) => event['event'] === 'session-closed')
  const lines = relay.log().trimEnd().split('\n')
  for (const line of lines) {
    const event = JSON.parse(line) as Record<string, unknown>
    assert.match(String(event['time']), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.notEqual(event['event'], 'forged')
    assert.ok(!line.includes('\u001b'))
  }
  const session = String(closed['session'])
  for (const kind of ['session-opened', 'greeted', 'recipient-judged', 'mail-finished']) {
    assert.equal(relay.events(kind).at(-1)?.['session'], session, kind)
  }
  const refused = relay.events('recipient-judged').find((event) => event['verdict'] === 'reject')
  assert.match(String(refused?.['serverReply']), /^550 5\.1\.1 /)
  assert.equal(refused?.['reply'], sent.recipients[0])
})

test('/metrics counts what happened, /healthz says so', async () => {
  const health = await get('/healthz')
  assert.equal(health.status, 200)
  const { status, text } = await get('/metrics')
  assert.equal(status, 200)
  assert.match(text, /^# HELP pforte_/m)
  assert.match(text, /^pforte_\w*mail\w*\{[^}]*\} 1$/m)
  assert.equal((await get('/elsewhere')).status, 404)
})

test("the relay's own postmaster is the operator's mailbox", async () => {
  await using client = await openSession(relay)
  for (const to of ['postmaster', 'Postmaster@mailrelay1.example.org']) {
    const mailCount = institute.mails.length
    assert.match((await sendMail(client, { to })).final ?? '', /^250 /, to)
    await until(() => institute.mails.length === mailCount + 1)
    assert.deepEqual(institute.mails.at(-1)?.recipients, ['operator@inst.example'])
  }
  const other = await sendMail(client, { to: 'abuse@mailrelay1.example.org' })
  assert.match(other.recipients[0] ?? '', /^550 5\.7\.1 /)
})
