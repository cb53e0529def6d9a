import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock } from '#base/clock.ts'
import { startDnsServer, type DnsServer, type Zone } from '../../test/support/dns-server.ts'
import { findClientName, type ClientName } from './client-name.ts'
import type { Resolver } from './dns.ts'
import { findMailDomain, type MailDomain } from './mail-domain.ts'
import { openResolver } from './open-resolver.ts'
import { reverseName } from './reverse-name.ts'

const nibbles = `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`

const zone: Zone = {
  '7.2.0.192.in-addr.arpa': { ptr: ['Mail.Sender.Example'] },
  'mail.sender.example': {
    a: ['192.0.2.9', '192.0.2.7'],
    aaaa: ['2001:db8::1'],
    mx: [[10, 'x.y']],
  },
  [nibbles]: { ptr: ['mail.sender.example'] },
  '8.2.0.192.in-addr.arpa': { ptr: ['mail.sender.example'] },
  '9.2.0.192.in-addr.arpa': { ptr: ['www.elsewhere.example', 'mail.sender.example'] },
  '10.2.0.192.in-addr.arpa': 'servfail',
  '11.2.0.192.in-addr.arpa': { ptr: ['sick.example'] },
  // The other family answers: that says nothing about this one.
  'sick.example': { a: 'servfail', aaaa: ['2001:db8::1'], mx: 'servfail' },
  '12.2.0.192.in-addr.arpa': { ptr: ['nowhere.example'] },
  '13.2.0.192.in-addr.arpa': { ptr: ['six.example'] },
  'six.example': { aaaa: ['2001:db8::1'] },
  '14.2.0.192.in-addr.arpa': { ptr: ['a b.example', 'x;y.example'] },
  'null.example': { mx: [[0, '']], a: ['192.0.2.1'] },
  'mixed.example': {
    mx: [
      [0, ''],
      [10, 'mail.sender.example'],
    ],
  },
  'empty.example': {},
  'half.example': { a: ['192.0.2.1'], aaaa: 'servfail' },
  'broken.example': { a: 'servfail' },
}

let server: DnsServer
let resolver: Resolver
before(async () => {
  server = await startDnsServer(zone)
  resolver = openResolver({
    servers: [server.address],
    timeoutMs: 500,
    attemptCount: 1,
    clock: systemClock,
    cacheEntryCount: 100,
  })
})
after(async () => {
  resolver.close()
  await server.close()
})

const clients: Readonly<Record<string, ClientName['kind'] | `${ClientName['kind']} ${string}`>> = {
  '192.0.2.7': 'confirmed mail.sender.example',
  '2001:db8:0::1': 'confirmed mail.sender.example',
  '192.0.2.8': 'inconsistent mail.sender.example',
  '192.0.2.9': 'confirmed mail.sender.example', // by its second name
  '192.0.2.10': 'failed',
  '192.0.2.11': 'failed sick.example',
  '192.0.2.12': 'inconsistent nowhere.example',
  '192.0.2.13': 'inconsistent six.example',
  '192.0.2.14': 'failed', // what is there is no name; it is not certain that there is none
  '192.0.2.99': 'missing',
}

for (const [address, expected] of Object.entries(clients)) {
  test(`the client ${address}: ${expected}`, async () => {
    const found = await findClientName(resolver, address, null)
    const name = 'name' in found && found.name !== null ? ` ${found.name}` : ''
    assert.equal(`${found.kind}${name}`, expected)
  })
}

const domains: Readonly<Record<string, MailDomain['kind']>> = {
  'mail.sender.example': 'receives',
  'null.example': 'null-mx',
  'mixed.example': 'receives',
  'six.example': 'receives',
  'half.example': 'receives',
  'empty.example': 'missing',
  'nxdomain.example': 'missing',
  'sick.example': 'failed',
  'broken.example': 'failed',
}

for (const [domain, expected] of Object.entries(domains)) {
  test(`the domain ${domain}: ${expected}`, async () => {
    assert.equal((await findMailDomain(resolver, domain, null)).kind, expected)
  })
}

test('who does not want to wait any longer has no answer', async () => {
  const found = await findClientName(resolver, '192.0.2.50', AbortSignal.abort())
  assert.deepEqual(found, { kind: 'failed', name: null, detail: 'aborted' })
})

test('the name of an address in the tree', () => {
  assert.equal(reverseName('192.0.2.7'), '7.2.0.192.in-addr.arpa')
  assert.equal(reverseName('::ffff:192.0.2.7'), '7.2.0.192.in-addr.arpa')
  assert.equal(reverseName('2001:db8::1'), nibbles)
  assert.equal(reverseName('mail.example'), null)
})
