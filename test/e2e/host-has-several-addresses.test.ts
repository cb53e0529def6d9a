// Where the DNS leads: several addresses, MX records, names that do not exist.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startDnsServer, type DnsServer } from '../support/dns-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { impatient, sendOneMail } from './support/mail.ts'

let dns: DnsServer
let alive: InstituteServer
let backup: InstituteServer
let relay: TestRelay

// 127.0.0.2 is dead, 127.0.0.3 and 127.0.0.4 answer, all on one port.
before(async () => {
  alive = await startInstituteServer({ address: '127.0.0.3', name: 'alive' })
  backup = await startInstituteServer({ address: '127.0.0.4', port: alive.port, name: 'backup' })
  dns = await startDnsServer({
    'several.host.example': { a: ['127.0.0.2', '127.0.0.3'] },
    'dead.host.example': { a: ['127.0.0.2'] },
    'alive.host.example': { a: ['127.0.0.3'] },
    'backup.host.example': { a: ['127.0.0.4'] },
    'empty.host.example': {},
    'broken.host.example': 'servfail',
    'silent.host.example': 'silent',
    'ordered.example': {
      mx: [
        [30, 'backup.host.example'],
        [10, 'dead.host.example'],
        [20, 'alive.host.example'],
      ],
    },
    'half.example': {
      mx: [
        [10, 'gone.host.example'],
        [20, 'alive.host.example'],
      ],
    },
    'null.example': { mx: [[0, '']] },
    'no-mx.example': {},
  })
  const { port } = alive
  relay = await startRelay({
    domains: [
      { domain: 'several.example', to: `several.host.example:${port}` },
      { domain: 'ordered.inst.example', to: `mx:ordered.example:${port}` },
      { domain: 'half.inst.example', to: `mx:half.example:${port}` },
      { domain: 'null.inst.example', to: `mx:null.example:${port}` },
      { domain: 'no-mx.inst.example', to: `mx:no-mx.example:${port}` },
      { domain: 'gone.example', to: `gone.host.example:${port}` },
      { domain: 'empty.example', to: `empty.host.example:${port}` },
      { domain: 'broken.example', to: `broken.host.example:${port}` },
      { domain: 'silent.example', to: `silent.host.example:${port}` },
      {
        domain: 'second.example',
        to: [`gone.host.example:${port}`, `backup.host.example:${port}`],
      },
    ],
    config: { ...impatient, dns: { servers: [dns.address], timeout: '300ms', attempts: 1 } },
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await dns.close()
  await alive.close()
  await backup.close()
})

test('the first address is dead: the next one gets the mail', async () => {
  const mailCount = alive.mails.length
  const sent = await sendOneMail(relay, { to: 'x@several.example' })
  assert.match(sent.final ?? '', /^250 .* several\.host\.example says: /)
  assert.equal(alive.mails.length, mailCount + 1)
})

test('mx: goes by preference, past the dead', async () => {
  const mailCount = alive.mails.length
  const sent = await sendOneMail(relay, { to: 'x@ordered.inst.example' })
  assert.match(sent.final ?? '', /^250 .* alive\.host\.example says: /)
  assert.equal(alive.mails.length, mailCount + 1)
  assert.equal(backup.mails.length, 0)
})

test('mx: an exchange that does not exist is passed over', async () => {
  const sent = await sendOneMail(relay, { to: 'x@half.inst.example' })
  assert.match(sent.final ?? '', /^250 .* alive\.host\.example says: /)
})

test('a second --to stands in for a name that does not exist', async () => {
  const sent = await sendOneMail(relay, { to: 'x@second.example' })
  assert.match(sent.final ?? '', /^250 .* backup\.host\.example says: /)
  assert.equal(backup.mails.length, 1)
})

for (const [domain, words] of [
  ['null.inst.example', /takes no mail/],
  ['no-mx.inst.example', /no MX record/],
  ['gone.example', /gone\.host\.example.* no address/],
  ['empty.example', /empty\.host\.example.* no address/],
  ['broken.example', /broken\.host\.example/],
  ['silent.example', /silent\.host\.example/],
] as const) {
  test(`${domain}: 451 that says what the DNS lacks`, async () => {
    const sent = await sendOneMail(relay, { to: `x@${domain}` })
    const [reply = ''] = sent.recipients
    assert.match(reply, /^451 4\.4\.1 /)
    assert.match(reply, words)
  })
}
