import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leadsBack, type LookUp, type Place, type RelaySelf } from './leads-back.ts'
import { createRoute, formatEndpoint, parseEndpoint } from './route.ts'
import type { Route } from './registry.ts'

const self: RelaySelf = {
  hostname: 'mailrelay1.example.org',
  listeners: [
    { address: '0.0.0.0', port: 25 },
    { address: '2001:db8::25', port: 25 },
    { address: '127.0.0.1', port: 2525 },
  ],
  interfaceAddresses: ['127.0.0.1', '::1', '192.0.2.25', '2001:db8:0::25', '2001:db8::26'],
}

const zone: Readonly<Record<string, readonly Place[]>> = {
  'mailrelay1.example.org:25': [at('192.0.2.25', 25)],
  'mailrelay1.example.org:10025': [at('192.0.2.25', 10025)],
  'mail.inst.example:25': [at('198.51.100.1', 25), at('2001:db8:1::1', 25)],
  'second-address.example:25': [at('198.51.100.1', 25), at('2001:db8::25', 25)],
  'mx:inst.example': [
    { host: 'mail.inst.example', address: '198.51.100.1', port: 25 },
    { host: 'mailrelay1.example.org', address: null, port: 25 }, // its name is enough
  ],
}

const lookUp: LookUp = async (endpoint) => {
  const text = formatEndpoint(endpoint)
  if (endpoint.kind === 'address')
    return { kind: 'found', places: [at(endpoint.address, endpoint.port)] }
  const places = zone[text]
  return places === undefined ? { kind: 'unknown', detail: 'SERVFAIL' } : { kind: 'found', places }
}

const back: readonly (readonly [endpoint: string, why: RegExp])[] = [
  ['192.0.2.25', /192\.0\.2\.25:25 is where this relay listens/],
  ['127.0.0.1:25', /listens/], // 0.0.0.0 is loopback too
  ['127.9.9.9:25', /listens/],
  ['0.0.0.0:25', /listens/], // connects to the machine itself
  ['127.0.0.1:2525', /listens/],
  ['0.0.0.0:2525', /listens/],
  ['[2001:db8::25]:25', /\[2001:db8::25\]:25/],
  ['[::ffff:192.0.2.25]:25', /listens/],
  ['mailrelay1.example.org', /listens/],
  ['second-address.example', /\[2001:db8::25\]:25/],
  ['mx:inst.example', /mailrelay1\.example\.org, this relay, is among its MX records/],
]

for (const [endpoint, why] of back) {
  test(`${endpoint} leads back`, async () => {
    const answer = await leadsBack([routeTo('mail.inst.example', endpoint)], self, lookUp)
    assert.ok(answer.kind === 'leads-back')
    assert.equal(answer.endpoint, formatEndpoint(endpointOf(endpoint)))
    assert.match(answer.detail, why)
  })
}

const away: readonly string[] = [
  'mail.inst.example',
  '192.0.2.25:26', // own address, another port
  'mailrelay1.example.org:10025', // an institute's server on the relay's machine
  '192.0.2.26', // not an address of this machine
  '[2001:db8::26]:25', // own address, but 0.0.0.0 does not take IPv6
  '[::1]:25',
  '192.0.2.25:2525', // listens on loopback only
]

for (const endpoint of away) {
  test(`${endpoint} leads away`, async () => {
    const answer = await leadsBack([routeTo(endpoint)], self, lookUp)
    assert.deepEqual(answer, { kind: 'leads-away', warnings: [] })
  })
}

test(':: takes IPv4 too', async () => {
  const dual = { ...self, listeners: [{ address: '::', port: 25 }] }
  const answer = await leadsBack([routeTo('192.0.2.25')], dual, lookUp)
  assert.equal(answer.kind, 'leads-back')
})

test('an endpoint nobody knows is a warning, and the others are still looked at', async () => {
  const unknown = await leadsBack([routeTo('new.example', 'mail.inst.example')], self, lookUp)
  assert.deepEqual(unknown, { kind: 'leads-away', warnings: ['new.example:25: SERVFAIL'] })
  const second = await leadsBack([routeTo('new.example'), routeTo('192.0.2.25')], self, lookUp)
  assert.equal(second.kind, 'leads-back')
})

function at(address: string, port: number): Place {
  return { host: null, address, port }
}

function routeTo(first: string, ...rest: readonly string[]): Route {
  return createRoute([endpointOf(first), ...rest.map(endpointOf)], 'opportunistic')
}

function endpointOf(text: string): Route['endpoints'][0] {
  const endpoint = parseEndpoint(text)
  assert.ok(endpoint.ok)
  return endpoint.value
}
