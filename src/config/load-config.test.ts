import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { stringify } from 'yaml'
import { loadConfig } from './load-config.ts'
import { formatProblem, type LoadedConfig } from './loaded-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'pforte-config-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'pforte.yaml')

const minimal = `hostname: mailrelay1.example.org
listen: [{ address: 127.0.0.1, port: 2525 }]
state: ./var
`

type Environment = Readonly<Record<string, string>>

function load(text: string, environment: Environment = {}): LoadedConfig {
  writeFileSync(file, text)
  const loaded = loadConfig({ file, environment })
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problem.map(formatProblem).join('\n'))
  return loaded.value
}

/** The problems, the folder taken off. */
function problems(text: string | Uint8Array, environment: Environment = {}): readonly string[] {
  writeFileSync(file, text)
  const loaded = loadConfig({ file, environment })
  assert.equal(loaded.ok, false)
  return loaded.problem.map((problem) => formatProblem(problem).replace(`${folder}/`, ''))
}

function problemOf(added: string): string {
  return problems(minimal + added).join('\n')
}

test('the smallest file is enough, and the rest are the defaults', () => {
  const { config } = load(minimal)
  assert.equal(config.hostname, 'mailrelay1.example.org')
  assert.deepEqual(config.listen, [{ address: '127.0.0.1', port: 2525 }])
  assert.equal(config.state, join(folder, 'var'))
  assert.deepEqual(config.tls, { certificates: [], ca: null, clients: 'off' })
  assert.equal(config.limits.maxMessageBytes, 52_428_800)
  assert.equal(config.limits.maxRecipientCount, 100)
  assert.equal(config.limits.commandTimeoutMs, 300_000)
  assert.equal(config.limits.maxContentInMemoryBytes, 262_144)
  assert.equal(config.verification.positiveStaleMs, 31 * 86_400_000)
  assert.equal(config.verification.totalTimeoutMs, 20_000)
  assert.equal(config.verification.probeSender, 'postmaster@mailrelay1.example.org')
  assert.equal(config.handover.maxConnectionCount, 20)
  assert.equal(config.handover.finalTimeoutMs, 540_000)
  assert.deepEqual(config.dns.servers, [])
  assert.deepEqual(config.log, { format: 'auto', file: null })
  assert.deepEqual(config.metrics.listen, { address: '127.0.0.1', port: 9125 })
})

test('every section can be set', () => {
  const { config } = load(`hostname: Relay.Prüf.Example.
listen:
  - { address: 0.0.0.0, port: 0 }
  - address: "::1"
    port: 25
state: /var/lib/pforte
tls:
  certificates: [{ certificate: tls/a.pem, key: /k.pem }]
  ca: ca.pem
limits: { maxMessage: 1GiB, unknownRecipientDelay: 0s, maxErrors: 7 }
verification: { negativeFresh: 250ms, probeSender: probe@relay.example }
handover: { finalTimeout: 5min }
dns: { servers: [127.0.0.1, "[::1]:5353", "::1", "127.0.0.1:53"], attempts: 3, refuseAddresses: [127.0.0.0/8, "::1/128"] }
log: { format: json, file: ../log }
metrics: { listen: null }
`)
  assert.equal(config.hostname, 'relay.xn--prf-ioa.example')
  assert.deepEqual(config.listen, [
    { address: '0.0.0.0', port: 0 },
    { address: '::1', port: 25 },
  ])
  assert.equal(config.state, '/var/lib/pforte')
  assert.deepEqual(config.tls, {
    certificates: [{ certificate: join(folder, 'tls/a.pem'), key: '/k.pem' }],
    ca: join(folder, 'ca.pem'),
    clients: 'off',
  })
  assert.equal(config.limits.maxMessageBytes, 1024 ** 3)
  assert.equal(config.limits.unknownRecipientDelayMs, 0)
  assert.equal(config.limits.maxErrorCount, 7)
  assert.equal(config.verification.negativeFreshMs, 250)
  assert.equal(config.verification.probeSender, 'probe@relay.example')
  assert.equal(config.handover.finalTimeoutMs, 300_000)
  assert.deepEqual(config.dns, {
    servers: ['127.0.0.1', '[::1]:5353', '::1', '127.0.0.1:53'],
    timeoutMs: 2000,
    attemptCount: 3,
    refuseAddresses: ['127.0.0.0/8', '::1/128'],
  })
  assert.deepEqual(config.log, { format: 'json', file: join(folder, '../log') })
  assert.equal(config.metrics.listen, null)
})

test('a section with everything commented out sets nothing', () => {
  assert.deepEqual(load(`${minimal}limits:\ntls:\n  # ca: x\n`).config, load(minimal).config)
})

test('every value knows where it came from', () => {
  const environment = { PFORTE_LOG_FORMAT: 'human', PFORTE_STATE: '' }
  const text = `${minimal}limits:\n  maxHops: 60\nmetrics:\n  listen: { port: 0 }\n`
  const { origins, values } = load(text, environment)
  assert.deepEqual(origins['hostname'], { kind: 'file', file, line: 1 })
  assert.deepEqual(origins['listen'], { kind: 'file', file, line: 2 })
  assert.deepEqual(origins['state'], { kind: 'file', file, line: 3 })
  assert.deepEqual(origins['limits.maxHops'], { kind: 'file', file, line: 5 })
  assert.deepEqual(origins['log.format'], { kind: 'environment', name: 'PFORTE_LOG_FORMAT' })
  assert.deepEqual(origins['metrics.listen.port'], { kind: 'file', file, line: 7 })
  assert.equal(origins['metrics.listen.address']?.kind, 'default')
  assert.equal(origins['limits.maxMessage']?.kind, 'default')
  assert.equal(values['limits.maxHops'], 60)
  assert.equal(values['limits.maxMessage'], '50MiB')
  assert.deepEqual(Object.keys(origins), Object.keys(values))
  const off = load(`${minimal}metrics: { listen: null }`)
  assert.deepEqual(off.origins['metrics.listen'], { kind: 'file', file, line: 4 })
  assert.equal(off.values['metrics.listen'], null)
  assert.deepEqual(Object.keys(off.origins), Object.keys(off.values))
})

test('the effective values, written out, are the same configuration', () => {
  const original = load(`${minimal}limits: { maxMessage: 1.5MiB }\nlog: { file: x.log }\n`)
  const tree: Record<string, Record<string, unknown>> = {}
  const rest: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(original.values)) {
    const [first = '', second, third] = key.split('.')
    if (second === undefined) rest[first] = value
    else if (third === undefined) tree[first] = { ...tree[first], [second]: value }
    else {
      const below = (tree[first] ?? {})[second]
      tree[first] = { ...tree[first], [second]: { ...Object(below), [third]: value } }
    }
  }
  assert.deepEqual(load(stringify({ ...rest, ...tree })).config, original.config)
})

test('the environment goes before the file, and stands in for a missing key', () => {
  const environment = { PFORTE_HOSTNAME: 'relay2.example.org', PFORTE_STATE: 'data' }
  const { config } = load('listen: [{ address: 127.0.0.1, port: 0 }]\nstate: /x\n', environment)
  assert.equal(config.hostname, 'relay2.example.org')
  assert.equal(config.state, join(folder, 'data'))
})

test('a problem with the environment names the variable', () => {
  const found = problems(minimal, { PFORTE_LOG_FORMAT: 'xml' })
  assert.deepEqual(found, [
    'environment PFORTE_LOG_FORMAT: log.format: expected auto, json or human, not "xml"',
  ])
})

test('nothing of a loaded configuration can be changed', () => {
  const { config, origins } = load(minimal)
  assert.throws(() => Object.assign(config, { hostname: 'x' }), TypeError)
  assert.throws(() => Object.assign(config.limits, { maxHopCount: 1 }), TypeError)
  assert.throws(() => Object.assign(config.listen[0] ?? {}, { port: 1 }), TypeError)
  assert.throws(() => Object.assign(origins, { x: 1 }), TypeError)
})

test('the three required keys are asked for', () => {
  for (const text of ['', '# nothing\n', '{}']) {
    const found = problems(text).join('\n')
    assert.match(found, /^pforte\.yaml:1:1: hostname: missing; expected a host name such as/)
    assert.match(found, /listen: missing; .*\n.*state: missing; /)
  }
})

test('an unknown key is named with its place and the nearest known one', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['limit: {}', /^pforte.yaml:4:1: unknown key limit; did you mean limits\?$/],
    [
      'limits:\n  maxMesage: 1MiB',
      /^pforte.yaml:5:3: unknown key limits.maxMesage; did you mean maxMessage\?$/,
    ],
    ['maxHops: 60', /4:1: unknown key maxHops; did you mean maxHops in limits\?$/],
    ['limits.maxHops: 60', /4:1: unknown key limits.maxHops; did you mean maxHops in limits\?$/],
    ['log: { state: x }', /4:8: unknown key log.state; did you mean state at the top\?$/],
    [
      'dns: { zzzzzzz: 1 }',
      /4:8: unknown key dns.zzzzzzz; known here: servers, timeout, attempts, refuseAddresses$/,
    ],
    [
      'metrics: { listen: { prt: 1 } }',
      /4:22: unknown key metrics.listen.prt; did you mean port\?$/,
    ],
    ['__proto__: { a: 1 }', /4:1: unknown key __proto__; known here: hostname, /],
    ['"a\\e[31m": 1', /4:1: unknown key a\?\[31m; known here: /],
  ]
  for (const [added, expected] of rows) assert.match(problemOf(added), expected, added)
})

test('a wrong value is shown with its place and what was expected', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    [
      'limits: { maxMessage: 50 }',
      /4:23: limits.maxMessage: the number 50 has no unit; expected a size/,
    ],
    ['limits: { maxMessage: 5TB }', /limits.maxMessage: expected a size .*, not "5TB"$/],
    ['limits: { maxMessage: 1B }', /limits.maxMessage: must be from 64KiB to 1GiB, not "1B"$/],
    ['limits: { maxMessage: 2GiB }', /must be from 64KiB to 1GiB, not "2GiB"$/],
    ['limits: { maxMessage: [] }', /expected a size .*, not a list$/],
    ['limits: { maxMessage: null }', /expected a size .*, not nothing$/],
    ['limits: { commandTimeout: 300 }', /the number 300 has no unit; expected a duration/],
    [
      'limits: { maxHops: "50" }',
      /4:20: limits.maxHops: expected a whole number from 10 to 1000, not "50"$/,
    ],
    ['limits: { maxHops: 5.5 }', /expected a whole number from 10 to 1000, not 5.5$/],
    ['limits: { maxHops: 5 }', /expected a whole number from 10 to 1000, not 5$/],
    ['limits: { maxHops: yes }', /expected a whole number .*, not "yes"$/],
    ['limits: 7', /4:9: limits: expected a mapping of keys, not 7$/],
    ['tls: { certificates: [{ certificate: a }] }', /4:23: tls.certificates.0.key: missing; /],
    ['tls: { ca: "" }', /tls.ca: expected the path of a PEM file, not ""$/],
    ['verification: { probeSender: "<>" }', /4:30: verification.probeSender: .* in "<>"$/],
    ['verification: { probeSender: ü@a.example }', /the address must be ASCII/],
    ['dns: { servers: [localhost] }', /4:18: dns.servers.0: expected the IP address of a resolver/],
    ['dns: { servers: ["127.0.0.1:0"] }', /a port is a number from 1 to 65535/],
    ['dns: { servers: ["[127.0.0.1"] }', /expected the IP address of a resolver/],
    ['dns: { refuseAddresses: [127.0.0.1/8] }', /dns\.refuseAddresses\.0: there are bits set/],
    ['dns: { refuseAddresses: [loopback] }', /expected an address or a network/],
    ['log: { format: xml }', /4:16: log.format: expected auto, json or human, not "xml"$/],
    ['log: { file: "\\u001b[2J\\0" }', /a path cannot contain a null character$/],
    ['log: { format: "\\u001b[2J" }', /not "\?\[2J"$/],
  ]
  for (const [added, expected] of rows) assert.match(problemOf(added), expected, added)
})

test('addresses to listen on are checked', () => {
  const rest = 'hostname: a.example\nstate: x\nlisten: '
  const rows: readonly (readonly [string, RegExp])[] = [
    ['[]', /3:9: listen: needs at least one address/],
    ['127.0.0.1:25', /3:9: listen: expected a list such as/],
    ['[{ address: localhost, port: 25 }]', /3:21: listen.0.address: expected an IPv4 or IPv6/],
    ['[{ address: 127.0.0.1, port: 65536 }]', /3:38: listen.0.port: expected a whole number/],
    ['[{ address: 127.0.0.1 }]', /3:10: listen.0.port: missing/],
    [
      '[{ address: 127.0.0.1, port: 25 }, { address: 127.0.0.1, port: 25 }]',
      /3:44: 127.0.0.1 port 25 is already taken by listen.0$/,
    ],
  ]
  for (const [written, expected] of rows) {
    assert.match(problems(rest + written).join('\n'), expected, written)
  }
})

test('a host name is a name other servers can look up', () => {
  const rest = 'listen: [{ address: 127.0.0.1, port: 0 }]\nstate: x\nhostname: '
  const rows: readonly (readonly [string, RegExp])[] = [
    ['localhost', /3:11: hostname: a host name needs a dot: .*, in "localhost"$/],
    ['mail_relay.example', /hostname: a host name has no underscore/],
    ['192.0.2.1', /hostname: a domain name does not end in a number/],
    ['-a.example', /hostname: a domain name consists of letters/],
    ['5', /hostname: expected a host name such as .*, not 5$/],
  ]
  for (const [written, expected] of rows) {
    assert.match(problems(rest + written).join('\n'), expected, written)
  }
})

test('values that contradict each other are refused where one of them stands', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    [
      'verification: { positiveFresh: 6h }',
      /^pforte.yaml:4:32: verification.positiveRefresh \(12h\) must be shorter than verification.positiveFresh \(6h\)$/,
    ],
    [
      'verification: { positiveStale: 1d }',
      /positiveFresh \(1d\) must be shorter than .*Stale \(1d\)/,
    ],
    [
      'verification: { negativeFresh: 10min }',
      /negativeFresh \(10min\) must be at most .*\(5min\)/,
    ],
    [
      'verification: { totalTimeout: 4s }',
      /connectTimeout \(5s\) must be at most .*\n.*commandTimeout/,
    ],
    ['limits: { sessionTimeout: 2min }', /commandTimeout \(5min\) must be at most .*\(2min\)/],
    [
      'limits: { maxTotalContentInMemory: 0B }',
      /maxContentInMemory \(256KiB\) must be at most .*\(0B\)/,
    ],
    [
      'limits: { maxUnknownRecipients: 3 }',
      /unknownRecipientDelayAfter \(5\) must be at most .*\(3\)/,
    ],
    ['metrics: { listen: { port: 2525 } }', /127.0.0.1 port 2525 is already taken by listen.0/],
    ['metrics: { listen: { address: 0.0.0.0 } }', /4:31: metrics are open to whoever can connect/],
    ['metrics: { listen: { address: "::" } }', /4:31: metrics are open to whoever can connect/],
  ]
  for (const [added, expected] of rows) assert.match(problemOf(added), expected, added)
})

test('metrics may listen on any loopback address, however it is written', () => {
  for (const address of ['127.1.2.3', '"::1"', '"0:0:0:0:0:0:0:1"']) {
    load(`${minimal}metrics: { listen: { address: ${address} } }`)
  }
})

test('all problems are told at once, in the order of the file', () => {
  const found = problems(`${minimal}log: { format: x }\nlimits: { maxHops: 1 }\ndns: 1\n`)
  assert.deepEqual(
    found.map((line) => line.split(':')[1]),
    ['4', '5', '6'],
  )
})

test('what YAML allows and a configuration does not need is refused', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['state: y', /^pforte.yaml:4:1: "state" is set twice, first on line 3$/],
    ['log: &a {}\ndns: *a', /^pforte.yaml:5:6: aliases are not supported/],
    ['? [a]\n: 1', /4:3: a key must be a plain word/],
    ['1: a', /4:1: a key must be a plain word/],
    ['log: !env X', /4:6: Unresolved tag/],
    ['log: [', /Flow sequence/],
    ['\tlog: 1', /:4:/],
    ['---\nhostname: b.example', /second YAML document/],
  ]
  for (const [added, expected] of rows) assert.match(problemOf(added), expected, added)
  assert.match(
    problems('- a\n').join(),
    /^pforte.yaml:1:1: expected a mapping of keys, not a list$/,
  )
})

test('a file made to be expensive is refused in bounded time', () => {
  const before = process.cpuUsage()
  const laughs = Array.from(
    { length: 30 },
    (_, index) => `a${index}: &a${index} [*a${index - 1}, *a${index - 1}]`,
  )
  assert.match(
    problems(`a-1: &a-1 x\n${laughs.join('\n')}\n`).join('\n'),
    /aliases are not supported/,
  )
  assert.match(problems('['.repeat(100_000)).join('\n'), /nested deeper than 32 levels/)
  const keys = Array.from({ length: 50_000 }, (_, index) => `k${index}: 1`).join('\n')
  assert.equal(problems(keys).length, 20)
  assert.equal(problems(`${keys}\n${keys}`).length, 20)
  // Of the processor, which others may want as well.
  assert.ok(process.cpuUsage(before).user < 30_000_000)
})

test('a file that cannot be read says why and what to do', () => {
  const missing = loadConfig({ file: join(folder, 'none.yaml'), environment: {} })
  assert.match(
    missing.ok ? '' : formatProblem(missing.problem[0] ?? assert.fail()),
    /none.yaml: does not exist; name the file/,
  )
  const inFolder = loadConfig({ file: folder, environment: {} })
  assert.match(
    inFolder.ok ? '' : formatProblem(inFolder.problem[0] ?? assert.fail()),
    /is a folder/,
  )
  assert.match(
    problems(`#${' '.repeat(1024 ** 2)}`).join(),
    /is too large: 1048577 bytes, at most 1048576/,
  )
  assert.match(problems(Uint8Array.of(0x61, 0xff)).join(), /is not UTF-8 text/)
})

test('a webhook is a URL that may stand in a log', () => {
  const off = load(minimal).config.alerts
  assert.deepEqual(off, { webhook: null, isMailSent: true, digestMs: 600_000 })
  const url = 'https://chat.example.org/h?k=1'
  const set = load(`${minimal}alerts: { webhook: "${url}", mail: false, digest: 1h }`).config.alerts
  assert.deepEqual(set, { webhook: url, isMailSent: false, digestMs: 3_600_000 })
  const wrong = ['chat.example.org', 'ftp://chat.example.org', 'https://me:pw@chat.example.org']
  for (const each of wrong) {
    assert.equal(problems(`${minimal}alerts: { webhook: "${each}" }`).length, 1, each)
  }
  assert.equal(problems(`${minimal}alerts: { mail: perhaps }`).length, 1)
})
