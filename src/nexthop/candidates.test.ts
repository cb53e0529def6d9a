import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock } from '#base/clock.ts'
import type { Resolver } from '#dns/dns.ts'
import { openResolver } from '#dns/open-resolver.ts'
import { createRoute, parseEndpoint } from '#registry/route.ts'
import type { Route } from '#registry/registry.ts'
import { startDnsServer, type DnsServer } from '../../test/support/dns-server.ts'
import { findCandidates, routeName, type CandidateRules } from './candidates.ts'

let dns: DnsServer
let resolver: Resolver

before(async () => {
  dns = await startDnsServer({
    'two.example': { a: ['192.0.2.1', '192.0.2.2'] },
    'one.example': { a: ['192.0.2.3'] },
    'mx.example': {
      mx: [
        [20, 'one.example'],
        [10, 'two.example'],
      ],
    },
    'mx-half.example': {
      mx: [
        [10, 'gone.example'],
        [20, 'one.example'],
      ],
    },
    'mx-gone.example': { mx: [[10, 'gone.example']] },
    'mx-null.example': { mx: [[0, '']] },
    'many.example': { a: Array.from({ length: 40 }, (_none, index) => `192.0.2.${index}`) },
    'broken.example': 'servfail',
    'self.example': { a: ['192.0.2.25'] },
    'refused.example': { a: ['198.51.100.1'] },
    'partly.example': { a: ['198.51.100.1', '192.0.2.1'] },
    'mx-self.example': {
      mx: [
        [10, 'one.example'],
        [20, 'self.example'],
        [20, 'two.example'],
        [30, 'two.example'],
      ],
    },
    'mx-named.example': { mx: [[10, 'relay.example']] },
    'mx-localhost.example': { mx: [[0, 'localhost']] },
  })
  resolver = openResolver({
    servers: [dns.address],
    timeoutMs: 500,
    attemptCount: 1,
    clock: systemClock,
    cacheEntryCount: 100,
  })
})
after(async () => {
  resolver.close()
  await dns.close()
})

function routeTo(...texts: readonly string[]): Route {
  const endpoints = texts.map((text) => {
    const endpoint = parseEndpoint(text)
    if (!endpoint.ok) throw new Error(endpoint.problem)
    return endpoint.value
  })
  const [first, ...rest] = endpoints
  if (first === undefined) throw new Error('a route needs an endpoint')
  return createRoute([first, ...rest], 'none')
}

/** 192.0.2.25 is the relay, and nothing is in 198.51.100.0/24 unless it is written so. */
const rules: CandidateRules = {
  hostname: 'relay.example',
  objectionTo: ({ address, isFromDns }) => {
    if (address === '192.0.2.25') return { isOwn: true, words: 'itself' }
    return isFromDns && address.startsWith('198.51.100.')
      ? { isOwn: false, words: 'refused' }
      : null
  },
}

async function found(...texts: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const item of findCandidates(routeTo(...texts), resolver, rules, null)) {
    lines.push(
      'kind' in item
        ? `${item.kind} ${item.stage}: ${item.detail}`
        : `${item.server} ${item.address} ${item.port}`,
    )
  }
  return lines
}

test('addresses, hosts and MX records, in the order of the route', async () => {
  assert.deepEqual(await found('192.0.2.9:2525', 'two.example:26', 'mx:mx.example:27'), [
    '192.0.2.9 192.0.2.9 2525',
    'two.example 192.0.2.1 26',
    'two.example 192.0.2.2 26',
    'two.example 192.0.2.1 27',
    'two.example 192.0.2.2 27',
    'one.example 192.0.2.3 27',
  ])
  assert.deepEqual(await found('[2001:db8::1]:25'), ['2001:db8::1 2001:db8::1 25'])
})

test('what does not exist is passed over while anything else does', async () => {
  const one = 'one.example 192.0.2.3 25'
  assert.deepEqual(await found('mx:mx-half.example'), [one])
  assert.deepEqual(await found('gone.example', 'one.example'), [
    'dns dns: gone.example has no address in the DNS',
    one,
  ])
})

test('an endpoint is looked up when those before it were tried', async () => {
  const asked: string[] = []
  const watched: Resolver = {
    ...resolver,
    addresses: (host, signal) => {
      asked.push(host)
      return resolver.addresses(host, signal)
    },
  }
  const candidates = findCandidates(routeTo('two.example', 'one.example'), watched, rules, null)
  await candidates.next()
  await candidates.next()
  assert.deepEqual(asked, ['two.example'])
  await candidates.next()
  assert.deepEqual(asked, ['two.example', 'one.example'])
})

test('nothing found: why', async () => {
  const none = 'dns dns: gone.example has no address in the DNS'
  assert.deepEqual(await found('gone.example'), [none])
  assert.deepEqual(await found('mx:mx-gone.example'), [none])
  assert.deepEqual(await found('mx:one.example'), [
    'dns dns: one.example has no MX record in the DNS',
  ])
  assert.deepEqual(await found('mx:mx-null.example'), [
    'dns dns: mx-null.example takes no mail (null MX)',
  ])
  const [broken] = await found('broken.example')
  assert.match(String(broken), /^dns dns: the DNS gave no address of broken\.example: .*SERVFAIL/)
})

test('a route with many addresses does not cost as many attempts', async () => {
  assert.equal((await found('many.example')).length, 16)
  assert.equal((await found('two.example', 'many.example', 'one.example')).length, 16)
})

test('a name that leads to the relay or where no server is: not tried, and told', async () => {
  assert.deepEqual(await found('self.example', 'refused.example', 'partly.example'), [
    'dns dns: the DNS says that self.example is at 192.0.2.25: itself',
    'dns dns: the DNS says that refused.example is at 198.51.100.1: refused',
    'partly.example 192.0.2.1 25',
  ])
  assert.deepEqual(await found('198.51.100.1', '192.0.2.25'), [
    '198.51.100.1 198.51.100.1 25',
    'dns dns: itself',
  ])
})

test('the relay among MX records ends them, by its address or by its name', async () => {
  assert.deepEqual(await found('mx:mx-self.example'), ['one.example 192.0.2.3 25'])
  assert.match(
    String(await found('mx:mx-named.example')),
    /^dns dns: relay\.example, this relay itself/,
  )
})

test('localhost means the machine where a route names it, not where an MX record does', async () => {
  const loopbackIsRefused: CandidateRules = {
    ...rules,
    objectionTo: ({ isFromDns }) => (isFromDns ? { isOwn: false, words: 'refused' } : null),
  }
  const firstOf = async (text: string): Promise<unknown> => {
    const item = await findCandidates(routeTo(text), resolver, loopbackIsRefused, null).next()
    return item.value
  }
  assert.deepEqual(await firstOf('localhost:2525'), {
    server: 'localhost',
    names: ['localhost'],
    address: '127.0.0.1',
    port: 2525,
  })
  assert.deepEqual(Object.entries((await firstOf('mx:mx-localhost.example')) ?? {})[0], [
    'kind',
    'dns',
  ])
})

test('the name of a route is that of its first endpoint', () => {
  assert.equal(routeName(routeTo('two.example:26', '192.0.2.9')), 'two.example')
  assert.equal(routeName(routeTo('192.0.2.9')), '192.0.2.9')
  assert.equal(routeName(routeTo('mx:mx.example')), 'mx.example')
})
