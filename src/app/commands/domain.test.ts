import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { saveProfile } from '#compliance/profile-store.ts'
import { saveRecheck } from '#compliance/recheck-store.ts'
import { saveZone } from '#compliance/zone-store.ts'
import { unknownProfile } from '#registry/server-profile.ts'
import { runCommand } from '#app/command.ts'
import { systemClock } from '#base/clock.ts'
import { openRegistry } from '#registry/open-registry.ts'
import { startDnsServer, type DnsServer, type Zone } from '../../../test/support/dns-server.ts'
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder.ts'
import { domainCommand } from './domain.ts'

test('add, show, list, set, suspend, resume, remove: the life of a domain', async () => {
  await using site = await setUp()
  const add = await site.domain('add Inst.Example --to mail.inst.example --contact x@inst.example')
  assert.deepEqual(add, {
    code: 0,
    out: 'added inst.example: mail.inst.example:25, tls opportunistic\n',
    error: '',
  })
  const set = await site.domain(
    'set inst.example --tls verify --max-size 20MiB --callout 192.0.2.7:2525',
  )
  assert.equal(
    set.out,
    'changed inst.example: callout not set -> ["192.0.2.7:2525"]; tls not set -> "verify"; maxSize not set -> "20MiB"\n',
  )
  await site.domain('suspend inst.example --reason moving')
  const shown = await site.json('show inst.example')
  const { createdAt, changedAt, suspension, ...rest } = asRecord(shown)
  assert.deepEqual(rest, {
    domain: 'inst.example',
    to: ['mail.inst.example:25'],
    callout: ['192.0.2.7:2525'],
    tls: 'verify',
    tlsNames: [],
    tlsCa: null,
    tlsPins: [],
    xclient: false,
    maxMessageBytes: 20_971_520,
    profile: { ...unknownProfile, maxMessageBytes: 20_971_520 },
    byHand: { ...unknownProfile, maxMessageBytes: 20_971_520 },
    measured: null,
    subaddressSeparator: null,
    replyPatterns: [],
    contact: 'x@inst.example',
  })
  assert.equal(asRecord(suspension)['reason'], 'moving')
  assert.ok(String(createdAt) < String(changedAt))
  const text = (await site.domain('show inst.example')).out
  assert.match(
    text,
    /^inst\.example\n {2}suspended +since 20.*: moving\n {2}to +mail\.inst\.example:25\n/,
  )
  assert.match(
    (await site.domain('list')).out,
    /^DOMAIN .*\ninst\.example .* verify +suspended moving\n$/,
  )
  assert.equal((await site.domain('resume inst.example')).out, 'resumed inst.example\n')
  assert.equal((await site.domain('resume inst.example')).out, 'inst.example is not suspended\n')
  assert.equal((await site.domain('remove inst.example')).out, 'removed inst.example\n')
  assert.deepEqual(await site.json('list'), [])
})

test('set changes only what is named, and none takes it back', async () => {
  await using site = await setUp()
  await site.domain(
    'add inst.example --to mail.inst.example --callout 192.0.2.7 --max-size 1MiB --contact c --subaddress-separator + --no-such-mailbox *gone* --not-no-such-mailbox *later*',
  )
  const before = asRecord(await site.json('show inst.example'))
  await site.domain('set inst.example --to 192.0.2.8')
  const after = asRecord(await site.json('show inst.example'))
  assert.deepEqual({ ...after, to: 0, changedAt: 0 }, { ...before, to: 0, changedAt: 0 })
  assert.deepEqual(before['replyPatterns'], [
    { text: '*gone*', means: 'no-such-mailbox' },
    { text: '*later*', means: 'other' },
  ])
  await site.domain(
    'set inst.example --callout none --max-size none --contact none --subaddress-separator none --no-such-mailbox none',
  )
  const bare = asRecord(await site.json('show inst.example'))
  assert.deepEqual(bare['callout'], ['192.0.2.8:25'])
  assert.deepEqual(
    [bare['maxMessageBytes'], bare['contact'], bare['subaddressSeparator'], bare['replyPatterns']],
    [null, '', null, []],
  )
  const again = await site.domain('set inst.example --contact none')
  assert.equal(again.out, 'inst.example is like that already\n')
})

test('a running relay sees the change of a command within a second', async () => {
  await using site = await setUp()
  const registry = openRegistry({ folder: site.state, clock: systemClock, emit: () => {} })
  try {
    await site.domain('add inst.example --to 192.0.2.7')
    const deadline = performance.now() + 1000
    while (registry.find('inst.example') === undefined && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.equal(registry.find('inst.example')?.route.id, '192.0.2.7:25 tls=opportunistic')
  } finally {
    registry.close()
  }
})

const refused: readonly (readonly [command: string, code: number, error: RegExp])[] = [
  [
    'add known.example --to 192.0.2.7',
    1,
    /served already; change it with pforte domain set known\.example/,
  ],
  ['add x.example', 2, /name at least one --to/],
  ['add --to 192.0.2.7', 2, /name the domain/],
  ['add x.example y.example --to 192.0.2.7', 2, /one domain at a time; 'y\.example'/],
  ['add 192.0.2.7 --to 192.0.2.7', 2, /'192\.0\.2\.7' is no domain/],
  ['add x.example --to 192.0.2.7:0', 2, /--to: "192\.0\.2\.7:0": a port is/],
  ['add x.example --to 192.0.2.7 --tls maybe', 2, /--tls: .*opportunistic/],
  ['add x.example --to 192.0.2.7 --max-size 50', 2, /--max-size: "50": expected a size/],
  ['add x.example --to 192.0.2.7 --subaddress-separator x', 2, /--subaddress-separator/],
  ['add x.example --too 192.0.2.7', 2, /did you mean --to\?/],
  ['set known.example', 2, /name what shall change/],
  [
    'set konwn.example --tls none',
    1,
    /konwn\.example is not served; did you mean known\.example\?/,
  ],
  ['show konwn.example', 1, /did you mean known\.example\?/],
  ['remove unheard-of.test', 1, /is not served; see pforte domain list/],
  ['suspend known.example --reason \u001b[2J', 2, /--reason: control characters/],
  ['list everything', 2, /'everything' is too much/],
  ['apply', 2, /name one file/],
  ['aply x', 2, /did you mean apply\?/],
]

for (const [command, code, error] of refused.filter(([, , pattern]) => pattern.source !== '^$')) {
  test(`refused: domain ${JSON.stringify(command)}`, async () => {
    await using site = await setUp()
    await site.domain('add known.example --to mail.inst.example')
    const before = await site.json('list')
    const result = await site.domain(command)
    assert.equal(result.code, code)
    assert.match(result.error, error)
    assert.equal(result.out, '')
    assert.deepEqual(await site.json('list'), before)
  })
}

const loops: readonly (readonly [endpoint: string, error: RegExp])[] = [
  ['127.0.0.1:2525', /127\.0\.0\.1:2525 leads back to this relay/],
  ['[::1]:26', /\[::1\]:26 leads back/], // listens on ::
  ['0.0.0.0:2525', /leads back/],
  ['localhost:2525', /localhost:2525 leads back .*127\.0\.0\.1:2525 is where this relay listens/],
  ['relay-alias.example:2525', /relay-alias\.example:2525 leads back/],
  ['mx:inst.example', /mailrelay1\.example\.org, this relay, is among its MX records/],
]

for (const [endpoint, error] of loops) {
  test(`a route that leads back is refused: ${endpoint}`, async () => {
    await using site = await setUp()
    await site.domain('add known.example --to mail.inst.example')
    const attempts = [
      await site.domain(`add x.example --to mail.inst.example --to ${endpoint}`),
      await site.domain(`add x.example --to mail.inst.example --callout ${endpoint}`),
      await site.domain(`set known.example --to ${endpoint}`),
      await site.apply(`domains: [{ domain: x.example, to: "${endpoint}" }]`),
    ]
    for (const attempt of attempts) {
      assert.equal(attempt.code, 1)
      assert.match(attempt.error, error)
    }
    const list = (await site.domain('export')).out
    assert.equal(
      list,
      'domains:\n  - domain: known.example\n    to:\n      - mail.inst.example:25\n',
    )
  })
}

test('an endpoint that is not in the DNS is added with a warning', async () => {
  await using site = await setUp()
  const { code, error } = await site.domain(
    'add x.example --to gone.example --to sick.example --to mx:null.example',
  )
  assert.equal(code, 0)
  assert.deepEqual(
    error.split('\n').map((line) => line.replace(/; mail for it .*/, '')),
    [
      'warning: x.example: gone.example:25: does not exist in the DNS',
      'warning: x.example: mx:null.example: takes no mail (null MX, RFC 7505)',
      'warning: x.example: sick.example:25: could not be looked up (SERVFAIL)',
      '',
    ],
  )
  assert.equal(asRecord(await site.json('show x.example'))['domain'], 'x.example')
})

const file = `domains:
  - domain: a.example
    to: mail.inst.example
  - domain: b.example
    to: [192.0.2.7:25, mail.inst.example]
    tls: verify
    suspended: true
`

test('apply: dry run, then really, then nothing left to do', async () => {
  await using site = await setUp()
  await site.domain('add b.example --to 192.0.2.7 --to mail.inst.example')
  await site.domain('add c.example --to 192.0.2.7')
  const lines =
    '+ a.example: mail.inst.example:25, tls opportunistic\n' +
    '~ b.example: tls not set -> "verify"; suspended not set -> true\n'
  const kept = '1 not in the file and kept (--prune removes them): c.example\n'
  const before = await site.json('list')
  const dry = await site.apply(file, '--dry-run')
  assert.equal(
    dry.out,
    `${lines}1 added, 1 changed, 0 removed (dry run: nothing was changed)\n${kept}`,
  )
  assert.deepEqual(await site.json('list'), before)
  assert.equal((await site.apply(file)).out, `${lines}1 added, 1 changed, 0 removed\n${kept}`)
  assert.equal((await site.apply(file)).out, `0 added, 0 changed, 0 removed\n${kept}`)
  const pruned = await site.apply(file, '--prune')
  assert.equal(pruned.out, '- c.example\n0 added, 0 changed, 1 removed\n')
})

test('apply --prune forgets what was found out of a domain, as remove does', async () => {
  await using site = await setUp()
  for (const domain of ['b.example', 'c.example']) {
    await site.domain(`add ${domain} --to 192.0.2.7`)
    const baseline = { domain, measuredAtMs: 1, verdicts: {} }
    await saveProfile(site.state, { ...baseline, server: 'x:25', profile: {}, asked: null })
    await saveZone(site.state, {
      ...baseline,
      server: 'DNS',
      asked: {
        relays: ['mailrelay1.example.org'],
        resolver: null,
        nameServers: [],
        policyServer: null,
        caFile: null,
      },
    })
    for (const watch of ['server', 'zone'] as const) {
      const state = { suspicions: [], changes: [], last: null, nextAtMs: null }
      await saveRecheck(site.state, watch, { ...baseline, ...state })
    }
  }
  const folders = ['profiles', 'zones', 'rechecks', 'zone-rechecks']
  const kept = (): readonly string[] =>
    folders.map((name) => readdirSync(join(site.state, name)).join(' '))
  await site.apply(file, '--prune', '--dry-run')
  assert.deepEqual(
    kept(),
    folders.map(() => 'b.example.json c.example.json'),
  )
  await site.apply(file, '--prune')
  assert.deepEqual(
    kept(),
    folders.map(() => 'b.example.json'),
  )
})

test('apply --json', async () => {
  await using site = await setUp()
  await site.domain('add b.example --to 192.0.2.7 --to mail.inst.example')
  const answer = asRecord(JSON.parse((await site.apply(file, '--json')).out))
  const changes = answer['changes']
  assert.ok(Array.isArray(changes))
  assert.deepEqual(
    changes.map((each) => [asRecord(each)['change'], asRecord(asRecord(each)['domain'])['domain']]),
    [
      ['add', 'a.example'],
      ['change', 'b.example'],
    ],
  )
  assert.deepEqual([answer['keptDomains'], answer['warnings'], answer['isDryRun']], [[], [], false])
})

test('what is exported is what apply takes: nothing changes', async () => {
  await using site = await setUp()
  await site.domain(
    'add inst.example --to [2001:db8::7]:26 --callout 192.0.2.7 --max-size 1MiB --subaddress-separator - --no-such-mailbox *:*no* --contact #1',
  )
  await site.domain('add b.example --to mx:b.example --tls none')
  await site.domain('suspend b.example')
  for (const json of ['', '--json']) {
    const exported = await site.domain(`export ${json}`.trim())
    assert.equal((await site.apply(exported.out, '--prune')).out, '0 added, 0 changed, 0 removed\n')
  }
})

test('every problem of a file is told with its line, and nothing is changed', async () => {
  await using site = await setUp()
  const { code, error } = await site.apply(`domains:
  - domain: good.example
    to: mail.inst.example
  - domain: a.example
    to: [mail.inst.example, "x:0"]
  - domain: b.example
    too: mail.inst.example
  - domain: good.example.
    to: 192.0.2.7
  - domain: c.example
    to: 192.0.2.7
    maxSize: 50
`)
  assert.equal(code, 1)
  const problems = error.split('\n').map((line) => line.replace(/^.*domains\.yaml:/, ''))
  assert.deepEqual(problems, [
    'pforte domain apply: nothing was changed',
    '5:29: to: "x:0": a port is a number from 1 to 65535',
    '6:5: to: expected an endpoint such as mail.inst.example:25, or a list of 1 to 16 of them',
    '7:5: unknown key "too"; did you mean to?',
    '8:13: domain: good.example stands in the file twice',
    '12:14: maxSize: expected a size such as 50MiB',
    '',
  ])
  assert.deepEqual(await site.json('list'), [])
})

const files: readonly (readonly [name: string, text: string, error: RegExp])[] = [
  ['not YAML', 'domains: [', /domains\.yaml:1:\d+: /],
  ['a list', '- domain: a.example', /1:1: expected the key 'domains'/],
  ['a misspelt key', 'domain: []', /1:1: unknown key "domain"; did you mean domains\?/],
  ['empty', '', /expected the key 'domains'/],
  ['an alias', 'domains: [&a {domain: a.example, to: b.example}, *a]', /aliases are not supported/],
  [
    'a terminal escape',
    'domains: [{domain: "\\e[2J", to: b.example}]',
    /domain: .*letters, digits/,
  ],
]

for (const [name, text, error] of files) {
  test(`apply refuses a file: ${name}`, async () => {
    await using site = await setUp()
    const result = await site.apply(text)
    assert.equal(result.code, 1)
    assert.match(result.error, error)
    assert.equal(result.error.includes('\u001b'), false)
  })
}

test('apply --prune with an empty list is refused', async () => {
  await using site = await setUp()
  await site.domain('add a.example --to 192.0.2.7')
  const result = await site.apply('domains: []', '--prune')
  assert.equal(result.code, 1)
  assert.match(result.error, /would remove all 1/)
})

test('a damaged entry: told, not exported, not changed, mended by apply', async () => {
  await using site = await setUp()
  await site.domain('add a.example --to 192.0.2.7')
  const database = new DatabaseSync(join(site.state, 'registry.db'))
  database.exec(`UPDATE served_domain SET document = '{}'`)
  database.close()
  const shown = await site.domain('show a.example')
  assert.match(shown.out, /suspended .*unreadable/)
  assert.match(shown.error, /warning: a damaged entry in the registry: a\.example/)
  for (const command of ['export', 'set a.example --tls none', 'resume a.example']) {
    const result = await site.domain(command)
    assert.equal(result.code, 1)
    assert.match(result.error, /the entry of a\.example is damaged/)
  }
  assert.equal((await site.apply('domains: [{ domain: a.example, to: 192.0.2.8 }]')).code, 0)
  assert.match((await site.domain('export')).out, /192\.0\.2\.8/)
})

test('a damaged registry: one line that says what to do', async () => {
  await using site = await setUp()
  await site.domain('list')
  writeFileSync(join(site.state, 'registry.db'), 'no database '.repeat(1000))
  const result = await site.domain('list')
  assert.equal(result.code, 1)
  assert.match(result.error, /registry\.db is damaged .*move it away/)
})

const zone: Zone = {
  'mail.inst.example': { a: ['192.0.2.7'], aaaa: ['2001:db8::7'] },
  'relay-alias.example': { a: ['127.0.0.1'] },
  'inst.example': {
    mx: [
      [10, 'mail.inst.example'],
      [20, 'MailRelay1.example.org'],
    ],
  },
  'b.example': { mx: [[10, 'mail.inst.example']] },
  'sick.example': 'servfail',
  'null.example': { mx: [[0, '']] },
}

interface Outcome {
  readonly code: number
  readonly out: string
  readonly error: string
}

class Site implements AsyncDisposable {
  readonly #folder: TemporaryFolder
  readonly #dns: DnsServer
  readonly state: string

  constructor(folder: TemporaryFolder, dns: DnsServer) {
    this.#folder = folder
    this.#dns = dns
    this.state = join(folder.path, 'var')
    writeFileSync(
      join(folder.path, 'pforte.yaml'),
      `hostname: mailrelay1.example.org
listen: [{ address: 127.0.0.1, port: 2525 }, { address: "::", port: 26 }]
state: ./var
dns: { servers: ["${dns.address}"] }
`,
    )
  }

  /** Runs `pforte domain …`; the words are split at spaces. */
  async domain(command: string): Promise<Outcome> {
    return await this.run(command.split(' '))
  }

  async json(command: string): Promise<unknown> {
    return JSON.parse((await this.domain(`${command} --json`)).out)
  }

  async apply(text: string, ...options: readonly string[]): Promise<Outcome> {
    const path = join(this.#folder.path, 'domains.yaml')
    writeFileSync(path, text)
    return await this.run(['apply', path, ...options])
  }

  async run(args: readonly string[]): Promise<Outcome> {
    let out = ''
    let error = ''
    const code = await runCommand('domain', domainCommand, args, {
      stdout: (text) => void (out += text),
      stderr: (text) => void (error += text),
      environment: { PFORTE_CONFIG: join(this.#folder.path, 'pforte.yaml') },
      isTerminal: false,
      signal: new AbortController().signal,
    })
    return { code, out, error }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dns.close()
    await this.#folder[Symbol.asyncDispose]()
  }
}

async function setUp(): Promise<Site> {
  return new Site(await temporaryFolder(), await startDnsServer(zone))
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  assert.ok(typeof value === 'object' && value !== null)
  return { ...value }
}
