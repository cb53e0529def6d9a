// A running relay follows the registry within a second, without a restart.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, sendMail, sendOneMail, until } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: ['a@new.example', 'boss@inst.example'] })
  relay = await startRelay({ domains: [] })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

async function answer(to: string): Promise<string> {
  const sent = await sendOneMail(relay, { to })
  return sent.final ?? sent.recipients[0] ?? ''
}

/** A second is promised; the time of the question comes on top. */
async function soon(to: string, wanted: RegExp): Promise<void> {
  await until(async () => wanted.test(await answer(to)), 1500)
}

test('not served: 550 5.7.1, and nobody is asked', async () => {
  assert.match(await answer('a@new.example'), /^550 5\.7\.1 .*relaying denied: new\.example/)
  assert.match(await answer('x@[192.0.2.1]'), /^550 5\.7\.1 /)
  assert.equal(institute.counts.total, 0)
})

test('added, suspended, resumed, removed', async () => {
  const { exitCode } = await relay.pforte(
    'domain',
    'add',
    'new.example',
    '--to',
    endpointOf(institute),
  )
  assert.equal(exitCode, 0)
  await soon('a@new.example', /^250 /)
  await relay.pforte('domain', 'suspend', 'new.example', '--reason', 'server moves')
  await soon('a@new.example', /^451 4\.3\.2 .*suspended/)
  await relay.pforte('domain', 'resume', 'new.example')
  await soon('a@new.example', /^250 /)
  await relay.pforte('domain', 'remove', 'new.example')
  await soon('a@new.example', /^550 5\.7\.1 /)
})

test('a session that is open sees the changes too, and mail follows its new route', async () => {
  await using other = await startInstituteServer({ mailboxes: 'all' })
  await using client = await openSession(relay)
  const soonHere = (wanted: RegExp): Promise<void> =>
    until(async () => {
      const sent = await sendMail(client, { to: 'a@moved.example' })
      return wanted.test(sent.final ?? sent.recipients[0] ?? '')
    }, 1500)
  await relay.pforte('domain', 'add', 'moved.example', '--to', endpointOf(other))
  await soonHere(/^250 /)
  // The new server has no such mailbox: what the old one said must not count any more.
  await relay.pforte('domain', 'set', 'moved.example', '--to', endpointOf(institute))
  await soonHere(/^550 5\.1\.1 /)
  const count = other.mails.length
  await relay.pforte('domain', 'remove', 'moved.example')
  await soonHere(/^550 5\.7\.1 /)
  assert.equal(other.mails.length, count)
})

test('a route that leads back to the relay is refused', async () => {
  const port = await freePort()
  await using other = await startRelay({
    domains: [],
    config: { listen: [{ address: '127.0.0.1', port }] },
  })
  for (const to of [`127.0.0.1:${port}`, `localhost:${port}`]) {
    const { exitCode, stderr } = await other.pforte('domain', 'add', 'loop.example', '--to', to)
    assert.equal(exitCode, 1)
    assert.match(stderr, /leads back to this relay/)
  }
  const { stdout } = await other.pforte('domain', 'list', '--json')
  assert.doesNotMatch(stdout, /loop\.example/)
})

async function freePort(): Promise<number> {
  await using probe = await startInstituteServer()
  return probe.port
}

test("the relay's own postmaster has no mailbox until one is configured", async () => {
  assert.match(await answer('postmaster'), /^550 5\.7\.1 /)
  await using configured = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { postmaster: 'boss@inst.example' },
  })
  for (const to of ['postmaster', 'Postmaster@mailrelay1.example.org']) {
    const sent = await sendOneMail(configured, { to })
    assert.match(sent.final ?? '', /^250 /)
    assert.deepEqual(institute.mails.at(-1)?.recipients, ['boss@inst.example'])
  }
})
