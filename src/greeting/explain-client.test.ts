import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { systemClock } from '#base/clock.ts'
import { parseNetwork, type Network } from '#base/network.ts'
import { openResolver } from '#dns/open-resolver.ts'
import { startDnsServer } from '../../test/support/dns-server.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { explainClient, type ExplainedClient } from './explain-client.ts'
import type { GreetingRules } from './greeting.ts'
import { openMemory } from './memory.ts'

function network(text: string): Network {
  const parsed = parseNetwork(text)
  assert.ok(parsed.ok)
  return parsed.value
}

const limits = { mode: 'enforce', maxPerAddressCount: 50, maxPerNetworkCount: 0 } as const
const rules: GreetingRules = {
  exempt: [network('127.0.0.0/8')],
  access: {
    mode: 'enforce',
    allow: [network('192.0.2.8')],
    deny: [network('192.0.2.0/28')],
    file: null,
  },
  connections: limits,
  rate: { ...limits, mode: 'off' },
  pregreet: { mode: 'enforce', delayMs: 6000, isTeasing: true, rememberMs: 86_400_000 },
  dnsbl: {
    mode: 'enforce',
    zones: [{ domain: 'bl.example', answers: null, weight: 1 }],
    threshold: 1,
    allowThreshold: null,
    timeoutMs: 1000,
    rememberMs: 3_600_000,
  },
  maxRememberedCount: 100,
}

async function explain(
  t: TestContext,
  address: string,
  folder: string | null = null,
): Promise<ExplainedClient> {
  const server = await startDnsServer({ '99.2.0.192.bl.example': { a: ['127.0.0.2'] } })
  const resolver = openResolver({
    servers: [server.address],
    timeoutMs: 300,
    attemptCount: 1,
    clock: systemClock,
    cacheEntryCount: 10,
  })
  t.after(async () => {
    resolver.close()
    await server.close()
  })
  const options = {
    rules,
    hostname: 'mailrelay1.example.org',
    resolver,
    clock: systemClock,
    folder,
  }
  return await explainClient(address, options)
}

test('exempt: nothing else is looked at', async (t) => {
  assert.deepEqual(await explain(t, '127.0.0.1'), {
    lines: ['exempt by 127.0.0.0/8: no limits, no tests'],
    refusal: null,
  })
})

test('denied: the reply, and the entry', async (t) => {
  const { lines, refusal } = await explain(t, '192.0.2.7')
  assert.equal(refusal, '521 5.7.1 mailrelay1.example.org does not accept mail from [192.0.2.7]')
  assert.match(lines[0] ?? '', /^denied by 192\.0\.2\.0\/28: 521 /)
})

test('allowed inside a denied network: limits, and no tests', async (t) => {
  assert.deepEqual(await explain(t, '192.0.2.8'), {
    lines: [
      'connections at a time: at most 50 of 192.0.2.8, any number of 192.0.2.0/24 (enforce)',
      'connections a minute: not limited',
      'allowed by 192.0.2.8: no tests',
    ],
    refusal: null,
  })
})

test('listed: the reply; not listed and known: neither wait nor reply', async (t) => {
  const listed = await explain(t, '192.0.2.99')
  assert.match(listed.refusal ?? '', /listed by bl\.example$/)
  assert.equal(listed.lines[2], 'banner: after 6s; it is not known (enforce)')
  await using folder = await temporaryFolder()
  const memory = openMemory({
    folder: folder.path,
    clock: systemClock,
    maxCount: () => 10,
    onFailure: assert.fail,
  })
  memory.put('192.0.2.98', { pregreetUntilMs: Date.now() + 7_200_000, dnsblUntilMs: 0 })
  memory.close()
  const known = await explain(t, '192.0.2.98', folder.path)
  assert.equal(known.refusal, null)
  assert.deepEqual(known.lines.slice(2), [
    'banner: at once; it is known for 2h',
    'lists on the DNS: score 0 of 1 (enforce)',
  ])
})
