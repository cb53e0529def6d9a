// A zone that lies about where an institute's server is, or says nothing useful: the relay does not connect
// to itself or to what is on its own machine, does not try addresses without end, and the answer is 451.

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startDnsServer, type DnsServer } from '../support/dns-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import {
  endpointOf,
  impatient,
  openSession,
  sendMail,
  sendOneMail,
  type SentMail,
} from '../e2e/support/mail.ts'
import { spoolOf } from '../e2e/support/outage.ts'

/** What the default of `dns.refuseAddresses` has, but for the part of loopback where the institutes are. */
const refuseAddresses = [
  '0.0.0.0/8',
  '127.0.0.0/24',
  '127.255.0.0/16',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/128',
  '::1/128',
  'fe80::/10',
]

let dns: DnsServer
let institute: InstituteServer
let relay: TestRelay
let relayPort: number
/** Services of the relay's own machine that must never hear from it. */
let trapCount = 0
const trap = createServer((socket) => {
  trapCount += 1
  socket.on('error', () => undefined)
  socket.end('220 trap\r\n')
})

before(async () => {
  institute = await startInstituteServer({ mailboxes: 'all', address: '127.0.1.1' })
  const { port } = institute
  trap.listen(port, '127.0.0.1')
  await once(trap, 'listening')
  relayPort = await freePort()
  const address = (a: string): { readonly a: readonly string[] } => ({ a: [a] })
  dns = await startDnsServer({
    'good.host.example': address('127.0.1.1'),
    'loopback.host.example': address('127.0.0.1'),
    'broadcast.host.example': address('127.255.255.255'),
    'any.host.example': address('0.0.0.0'),
    'metadata.host.example': address('169.254.169.254'),
    'multicast.host.example': address('224.0.0.25'),
    'six.host.example': { aaaa: ['::1'] },
    'mapped.host.example': { aaaa: ['::ffff:7f00:1'] },
    'mixed.host.example': { a: ['127.0.0.1', '127.0.1.1'] },
    // Lead to the relay once their routes have been checked, as a zone can do at any time.
    'self.host.example': 'servfail',
    'mx-before.example': 'servfail',
    'loop.host.example': { cname: 'loop2.host.example' },
    'loop2.host.example': { cname: 'loop.host.example' },
    'own-loop.host.example': { cname: 'own-loop.host.example' },
    'broken.host.example': 'servfail',
    'refused.host.example': 'refused',
    'nodata.host.example': {},
    'many.host.example': { a: Array.from({ length: 1000 }, (_none, n) => `127.0.2.${n % 250}`) },
    'mx-self.example': {
      mx: [
        [5, 'mailrelay1.example.org'],
        [10, 'good.host.example'],
      ],
    },
    'mx-localhost.example': { mx: [[0, 'localhost']] },
    'mx-many.example': {
      mx: Array.from({ length: 200 }, (_none, n) => [n, `no${n}.host.example`] as const),
    },
    'mx-null.example': { mx: [[0, '']] },
    'changes.host.example': { ...address('127.0.1.1'), ttlSeconds: 0 },
  })
  relay = await startRelay({
    domains: [
      { domain: 'healthy.example', to: endpointOf(institute) },
      ...[...lies.map(([name]) => name), 'mixed', 'many', 'changes'].map((name) => ({
        domain: `${name}.example`,
        to: `${name}.host.example:${port}`,
      })),
      { domain: 'self.example', to: `self.host.example:${relayPort}` },
      ...['many', 'before', 'localhost', 'null'].map((name) => ({
        domain: `mx-${name}.inst.example`,
        to: `mx:mx-${name}.example:${port}`,
      })),
    ],
    config: {
      ...impatient,
      listen: [{ address: '127.0.1.2', port: relayPort }],
      verification: { ...impatient.verification, idleClose: '0s' },
      handover: { ...impatient.handover, idleClose: '0s' },
      dns: { servers: [dns.address], timeout: '300ms', attempts: 1, refuseAddresses },
    },
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await Promise.all([dns.close(), institute.close()])
  trap.close()
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.1.2')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** One mail in a session of its own. */
async function mailTo(to: string): Promise<SentMail> {
  await using client = await openSession({ port: relayPort }, { address: '127.0.1.2' })
  return await sendMail(client, { to })
}

const lies: readonly (readonly [host: string, words: RegExp])[] = [
  ['loopback', /is at 127\.0\.0\.1: .*127\.0\.0\.0\/24/],
  ['broadcast', /127\.255\.0\.0\/16/],
  ['any', /0\.0\.0\.0\/8/],
  ['metadata', /169\.254\.0\.0\/16/],
  ['multicast', /224\.0\.0\.0\/3/],
  ['six', /::1\/128/],
  ['mapped', /127\.0\.0\.0\/24/],
  ['loop', /the DNS gave no address|has no address/],
  ['own-loop', /the DNS gave no address|has no address/],
  ['broken', /SERVFAIL/],
  ['refused', /REFUSED/],
  ['nodata', /has no address/],
  ['missing', /has no address/],
]

for (const [name, words] of lies) {
  test(`${name}: 451 that says what the DNS said, and no connection`, async () => {
    const startMs = performance.now()
    const [under, other] = await Promise.all([
      mailTo(`x@${name}.example`),
      mailTo('x@healthy.example'),
    ])
    assert.match(under.recipients[0] ?? '', /^451 4\.4\.1 /)
    assert.match(under.recipients[0] ?? '', words)
    assert.match(other.final ?? '', /^250 /)
    assert.ok(performance.now() - startMs < 5000)
    assert.equal(trapCount, 0)
  })
}

test('the relay itself: no loop, not even one round', async () => {
  const sessions = (): number => relay.events('session-opened').length
  dns.zone['self.host.example'] = { a: ['127.0.1.2'] }
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 250))
  await pause() // the log may be a moment behind
  const before = sessions()
  const sent = await mailTo('x@self.example')
  assert.match(sent.recipients[0] ?? '', /^451 4\.4\.1 .*is where this relay listens/)
  await pause()
  assert.equal(sessions() - before, 1)
})

test('one address of two is refused: the other gets the mail', async () => {
  assert.match((await mailTo('x@mixed.example')).final ?? '', /^250 /)
  assert.equal(trapCount, 0)
})

test('a thousand addresses: as many as are tried in any case, and an end', async () => {
  const startMs = performance.now()
  const sent = await mailTo('x@many.example')
  assert.match(sent.recipients[0] ?? '', /^451 4\.4\.1 /)
  assert.ok(performance.now() - startMs < 6000)
  const tried = relay
    .events('next-hop-failed')
    .filter((event) => event['server'] === 'many.host.example')
  assert.ok(tried.length <= 32, `${tried.length} attempts`) // a question, and a recovery at most
})

test('two hundred MX records that lead nowhere: an end as well', async () => {
  const asked = dns.queries.length
  const sent = await mailTo('x@mx-many.inst.example')
  assert.match(sent.recipients[0] ?? '', /^451 4\.4\.1 /)
  assert.ok(dns.queries.length - asked < 100, `${dns.queries.length - asked} queries`)
})

test('MX records with the relay among them: those before it, and none behind', async () => {
  const { exitCode } = await relay.pforte(
    'domain',
    'add',
    'a.example',
    '--to',
    'mx:mx-self.example',
  )
  assert.equal(exitCode, 1) // seen at once where it can be
  dns.zone['mx-before.example'] = {
    mx: [
      [5, 'good.host.example'],
      [10, 'mailrelay1.example.org'],
      [20, 'loopback.host.example'],
    ],
  }
  assert.match((await mailTo('x@mx-before.inst.example')).final ?? '', /^250 /)
  const sent = await mailTo('x@mx-localhost.inst.example')
  assert.match(sent.recipients[0] ?? '', /^451 4\.4\.1 /)
  assert.equal(trapCount, 0)
})

test('a null MX is no refusal of recipients', async () => {
  const sent = await mailTo('x@mx-null.inst.example')
  assert.match(sent.recipients[0] ?? '', /^451 4\.4\.1 .*null MX/)
})

test('a name that goes: known good mail is kept or deferred, never refused', async () => {
  const sent = await mailTo('x@changes.example')
  assert.match(sent.final ?? '', /^250 .* says: /)
  for (const state of ['nxdomain', 'servfail', {}] as const) {
    dns.zone['changes.host.example'] = state
    for (const to of ['x@changes.example', 'new@changes.example']) {
      const { final, recipients } = await mailTo(to)
      assert.match(final ?? recipients[0] ?? '', /^(?:250 |451 4)/)
    }
  }
  assert.ok(spoolOf(relay).every(({ holdReason }) => holdReason === null))
})

test('answers that are none: 451, and the others are served', async () => {
  const socket = createSocket('udp4')
  let count = 0
  // Noise, a wrong number, another question, a pointer that leads to itself, half a header, nothing.
  socket.on('message', (query, peer) => {
    const wrongNumber = Buffer.from(query)
    wrongNumber.writeUInt16BE((query.readUInt16BE(0) + 1) & 0xffff, 0)
    wrongNumber.writeUInt16BE(0x8580, 2)
    const pointer = Buffer.concat([query, Buffer.from('c00c000100010000003c0004c00cc00c', 'hex')])
    pointer.writeUInt16BE(0x8580, 2)
    pointer.writeUInt16BE(0xffff, 6)
    const answers = [
      Buffer.alloc(512, 0xa5),
      wrongNumber,
      pointer,
      query.subarray(0, 7),
      Buffer.alloc(0),
    ]
    for (const answer of answers) socket.send(answer, peer.port, peer.address)
    count += 1
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  await using lying = await startRelay({
    domains: [
      { domain: 'healthy.example', to: endpointOf(institute) },
      { domain: 'noise.example', to: 'noise.host.example:25' },
    ],
    config: {
      ...impatient,
      dns: { servers: [`127.0.0.1:${socket.address().port}`], timeout: '300ms', attempts: 1 },
    },
  })
  const sent = await sendOneMail(lying, { to: 'x@noise.example' })
  assert.match(sent.recipients[0] ?? '', /^451 4\.4\.1 /)
  assert.match((await sendOneMail(lying, { to: 'x@healthy.example' })).final ?? '', /^250 /)
  assert.ok(count > 0)
  socket.close()
})

test('nothing is left behind', async () => {
  relay.signal('SIGTERM')
  assert.equal(await relay.ended, 0)
  assert.deepEqual(relay.events('internal-error'), [])
  assert.equal(trapCount, 0)
})
