import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startDnsServer, type Zone } from '../../../../test/support/dns-server.ts'
import type { CommandIo } from '#app/command.ts'
import { runCommandLine } from '#app/commands.ts'

const server = await startDnsServer()
after(() => server.close())

const relays = ['mailrelay1.example.org', 'mailrelay2.example.org'] as const
const [relay1, relay2] = relays
const txt = (text: string): readonly Buffer[] => [
  Buffer.concat([Buffer.of(text.length), Buffer.from(text)]),
]
const goodMx: readonly (readonly [number, string])[] = [
  [10, relay1],
  [10, relay2],
]

interface Ran {
  readonly code: number
  readonly stdout: string
  /** id → verdict, subtype */
  readonly verdicts: Readonly<Record<string, string>>
}

async function run(zone: Zone, ...more: readonly string[]): Promise<Ran> {
  for (const name of Object.keys(server.zone)) delete server.zone[name]
  Object.assign(
    server.zone,
    { [relay1]: { a: ['192.0.2.1'] }, [relay2]: { a: ['192.0.2.2'] } },
    zone,
  )
  let stdout = ''
  let stderr = ''
  const io: CommandIo = {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    environment: {},
    isTerminal: false,
    signal: new AbortController().signal,
  }
  const args = [
    'check',
    'dns',
    'inst.example',
    '--resolver',
    server.address,
    '--name-server',
    server.address,
  ]
  const named = relays.flatMap((relay) => ['--relay', relay])
  const code = await runCommandLine([...args, ...named, ...more], io)
  assert.equal(stderr, '')
  const { findings } = more.includes('--json') ? JSON.parse(stdout) : { findings: [] }
  const pairs = findings.map((each: { id: string; verdict: string }) => [each.id, each.verdict])
  return { code, stdout, verdicts: Object.fromEntries(pairs) }
}

test('a domain that is as it should be, and what to paste', async () => {
  const { code, stdout } = await run(
    { 'inst.example': { mx: goodMx, ttlSeconds: 86_400 } },
    '--lang',
    'de',
  )
  assert.equal(code, 0, stdout)
  assert.match(stdout, /^inst\.example\. 86400 IN MX 10 mailrelay1\.example\.org\.$/m)
  assert.match(stdout, /^4\. Die beiden Zeilen/m)
})

describe('each fault is found by its check', () => {
  const cases: readonly (readonly [name: string, zone: Zone, id: string])[] = [
    ['no MX', { 'inst.example': { a: ['192.0.2.9'] } }, 'mx-present'],
    ['no such domain', {}, 'mx-present'],
    ['one relay is missing', { 'inst.example': { mx: [[10, relay1]] } }, 'mx-both-relays'],
    [
      'different preferences',
      {
        'inst.example': {
          mx: [
            [10, relay1],
            [20, relay2],
          ],
        },
      },
      'mx-equal-preference',
    ],
    [
      'an old MX beside the relays',
      { 'inst.example': { mx: [...goodMx, [10, 'old.example']] } },
      'mx-relays-lowest',
    ],
    [
      'a backup of their own',
      {
        'inst.example': { mx: [...goodMx, [20, 'mail.inst.example']] },
        'mail.inst.example': { a: ['8.8.8.8'] },
      },
      'mx-own-backup',
    ],
    [
      'a backup with a private address',
      {
        'inst.example': { mx: [...goodMx, [20, 'mail.inst.example']] },
        'mail.inst.example': { a: ['10.1.2.3'] },
      },
      'mx-own-public-ipv4',
    ],
    [
      'an alias',
      {
        'inst.example': { mx: [...goodMx, [20, 'alias.example']] },
        'alias.example': { cname: 'real.example' },
        'real.example': { a: ['8.8.8.8'] },
      },
      'mx-not-cname',
    ],
    [
      'the final dot is missing',
      {
        'inst.example': {
          mx: [
            [10, `${relay1}.inst.example`],
            [10, relay2],
          ],
        },
      },
      'mx-target-typo',
    ],
    ['a null MX', { 'inst.example': { mx: [...goodMx, [0, '']] } }, 'mx-null'],
    [
      'SPF means the MX',
      { 'inst.example': { mx: goodMx, raw: { 16: txt('v=spf1 mx -all') } } },
      'spf-mx-trap',
    ],
    [
      'an MTA-STS policy',
      {
        'inst.example': { mx: goodMx },
        '_mta-sts.inst.example': { raw: { 16: txt('v=STSv1; id=1') } },
      },
      'mta-sts',
    ],
    ['a short TTL', { 'inst.example': { mx: goodMx, ttlSeconds: 60 } }, 'mx-ttl'],
  ]
  for (const [name, zone, id] of cases) {
    test(name, async () => {
      const { verdicts } = await run(zone, '--json')
      assert.equal(verdicts[id], 'violated')
    })
  }
})

test('SPF that names the server itself is no trap', async () => {
  const raw = { 16: txt('v=spf1 a:mx.inst.example include:mx.example ~all') }
  const { verdicts } = await run({ 'inst.example': { mx: goodMx, raw } }, '--json')
  assert.equal(verdicts['spf-mx-trap'], 'met')
  assert.equal(verdicts['spf-hint'], 'met')
})

test('no answer is not taken for "no record"', async () => {
  const { code, verdicts } = await run({ 'inst.example': 'servfail' }, '--json')
  assert.equal(code, 2)
  assert.equal(verdicts['mx-present'], 'undetermined')
})

test('name servers that disagree', async () => {
  const other = await startDnsServer({ 'inst.example': { mx: [[10, 'old.example']] } })
  const { code, verdicts } = await run(
    { 'inst.example': { mx: goodMx } },
    '--json',
    '--name-server',
    other.address,
  )
  await other.close()
  assert.equal(code, 1)
  assert.equal(verdicts['mx-auth-consistent'], 'violated')
})
