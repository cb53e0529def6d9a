import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { runCommandLine } from '#app/commands.ts'
import { systemClock } from '#base/clock.ts'
import type { Report } from '#compliance/compliance.ts'
import { checkDomain, disagreementSince } from '#compliance/dns/check-domain.ts'
import { startInstituteServer } from '../../../../demo/institute-server.ts'
import { startDnsServer, type Zone } from '../../../../test/support/dns-server.ts'
import {
  examineZone,
  findingOf,
  goodMx,
  quiet,
  relay1,
  relay2,
  relays,
  run,
  server,
  txt,
} from '../../../../test/support/examined-zone.ts'
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts'

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
    ['a short TTL', { 'inst.example': { mx: goodMx, ttlSeconds: 60 } }, 'mx-ttl'],
  ]
  for (const [name, zone, id] of cases) {
    test(name, async () => {
      const { verdicts } = await run(zone, '--json')
      assert.equal(verdicts[id], 'violated')
    })
  }
})

test('no answer is not taken for "no record"', async () => {
  const { code, verdicts } = await run({ 'inst.example': 'servfail' }, '--json')
  assert.equal(code, 2)
  assert.equal(verdicts['mx-present'], 'undetermined')
})

describe('name servers that disagree, and somebody who remembers', () => {
  const hourMs = 3_600_000
  const zone: Zone = { 'inst.example': { mx: goodMx } }
  const id = 'mx-auth-consistent'

  test('undetermined for a day, violated after it', async () => {
    await using other = await startDnsServer({ 'inst.example': { mx: [[10, 'old.example']] } })
    const places = [server.address, server.address, other.address]
    const look = async (sinceMs: number | null): Promise<Report> =>
      await examineZone(zone, places, { disagreement: { sinceMs } })
    const first = await look(null)
    assert.equal(findingOf(first, id).kind, 'undetermined')
    const sinceMs = disagreementSince(first, null)
    assert.equal(sinceMs, first.startedAtMs)
    const young = await look(Date.now() - 23 * hourMs)
    assert.equal(findingOf(young, id).kind, 'undetermined')
    assert.equal(disagreementSince(young, 7), 7)
    const old = await look(Date.now() - 24 * hourMs)
    assert.equal(findingOf(old, id).kind, 'violated')
    other.zone['inst.example'] = { mx: goodMx }
    const agreed = await look(sinceMs)
    assert.equal(findingOf(agreed, id).kind, 'met')
    assert.equal(disagreementSince(agreed, sinceMs), null)
    other.zone['inst.example'] = 'silent'
    assert.equal(disagreementSince(await look(7), 7), 7, 'one has said nothing')
  })

  test('it is remembered with --save', async () => {
    await using folder = await temporaryFolder()
    const config = join(folder.path, 'pforte.yaml')
    const listen = '[{ address: 127.0.0.1, port: 2525 }]'
    await writeFile(config, `hostname: mailrelay1.example.org\nlisten: ${listen}\nstate: ./state\n`)
    const add = ['domain', 'add', 'inst.example', '--to', '192.0.2.7', '--config', config]
    await runCommandLine(add, quiet)
    await using other = await startDnsServer({ 'inst.example': { mx: [[10, 'old.example']] } })
    const more = ['--json', '--config', config, '--name-server', other.address]
    assert.equal((await run(zone, ...more)).verdicts[id], 'violated')
    const named = [...relays.flatMap((relay) => ['--relay', relay]), ...more]
    const place = ['--resolver', server.address, '--name-server', server.address]
    const save = async (): Promise<string> => {
      let stdout = ''
      const io = { ...quiet, stdout: (words: string) => void (stdout += words) }
      await runCommandLine(['check', 'dns', 'inst.example', '--save', ...named, ...place], io)
      const { findings } = JSON.parse(stdout)
      return findings.find((each: Record<string, string>) => each['id'] === id).verdict
    }
    assert.equal(await save(), 'undetermined')
    const file = join(folder.path, 'state', 'zone-rechecks', 'inst.example.json')
    const state = JSON.parse(await readFile(file, 'utf8'))
    assert.ok(Date.now() - state.disagreesSinceMs < hourMs)
    const older = { ...state, disagreesSinceMs: Date.now() - 25 * hourMs }
    await writeFile(file, JSON.stringify(older))
    let shown = ''
    const io = { ...quiet, stdout: (words: string) => void (shown += words) }
    await runCommandLine(['domain', 'recheck', 'inst.example', '--config', config], io)
    assert.match(shown, /seen once +mx-auth-consistent violated, was undetermined/)
    assert.equal(await save(), 'violated')
    assert.equal(JSON.parse(await readFile(file, 'utf8')).disagreesSinceMs, older.disagreesSinceMs)
  })
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

describe('the zone', () => {
  test('a domain that is not there', async () => {
    const { subtypes } = await run({}, '--json')
    assert.equal(subtypes['domain-alive'], 'no-domain')
  })
  test('name servers that do not answer are named', async () => {
    const silent = await startDnsServer({ 'inst.example': 'silent' })
    const { verdicts, subtypes } = await run(
      { 'inst.example': { mx: goodMx } },
      '--json',
      '--name-server',
      silent.address,
    )
    await silent.close()
    assert.deepEqual(
      [verdicts['domain-alive'], subtypes['domain-alive']],
      ['violated', 'partly-lame'],
    )
  })
  test('one that knows nothing, and one that cannot be asked from here, are not all', async () => {
    const silent = await startDnsServer({ 'inst.example': 'silent' })
    const lame = createSocket('udp4')
    // REFUSED, and not authoritative.
    lame.on('message', (query, { port, address }) => {
      const reply = Buffer.from(query)
      reply.writeUInt16BE(0x8005, 2)
      lame.send(reply, port, address)
    })
    lame.bind(0, '127.0.0.1')
    await once(lame, 'listening')
    const places = [`127.0.0.1:${lame.address().port}`, silent.address]
    const report = await examineZone({ 'inst.example': { mx: goodMx } }, places)
    const alone = await examineZone({ 'inst.example': { mx: goodMx } }, places.slice(0, 1))
    lame.close()
    await silent.close()
    assert.equal(findingOf(report, 'domain-alive').subtype, 'partly-lame')
    assert.equal(findingOf(report, 'domain-alive').severity, 'should')
    assert.equal(findingOf(alone, 'domain-alive').subtype, 'lame')
  })
  test('DNSSEC is broken when verifying fails, not when the question is lost', async () => {
    for (const [mxVerified, subtype] of [
      ['servfail', 'bogus'],
      ['refused', 'no-answer'],
      ['silent', 'no-answer'],
    ] as const) {
      const { subtypes } = await run({ 'inst.example': { mx: goodMx, mxVerified } }, '--json')
      assert.equal(subtypes['dnssec-chain'], subtype, mxVerified)
    }
  })
  test('an own MX whose address was not told has none that is known', async () => {
    for (const a of ['silent', 'servfail'] as const) {
      const zone: Zone = {
        'inst.example': { mx: [...goodMx, [20, 'mail.inst.example']] },
        'mail.inst.example': { a },
      }
      const { verdicts, subtypes } = await run(zone, '--json')
      const id = 'mx-own-public-ipv4'
      assert.deepEqual([verdicts[id], subtypes[id]], ['undetermined', 'no-answer'])
    }
  })
  test('names that a terminal would obey are cleaned wherever they are shown', async () => {
    const evil = '\u001b]0;evil\u0007\u001b[2Jmx.inst.example'
    const zone: Zone = {
      'inst.example': {
        mx: [
          [5, evil],
          [10, relay1],
        ],
        raw: { 16: txt('v=spf1 mx \u001b[31m -all') },
      },
      [evil]: { cname: evil },
    }
    for (const language of ['de', 'en']) {
      const { stdout } = await run(zone, '--lang', language)
      assert.match(stdout, /mx\.inst\.example/)
      // oxlint-disable-next-line no-control-regex -- these are what must not be there
      assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f]/)
    }
    const report = await examineZone(zone, [server.address])
    for (const { check, finding } of report.outcomes) {
      const words = JSON.stringify([finding.summary, finding.remedy, finding.facts])
      assert.doesNotMatch(words, /\\u00|\\u2/, check.id)
    }
  })
  test('a server that knows nothing of DNSSEC says nothing about it', async () => {
    const { subtypes } = await run({ 'inst.example': { mx: goodMx } }, '--json')
    assert.equal(subtypes['dnssec-chain'], 'not-verified')
  })
  test('mail without MX goes to the address of the domain', async () => {
    const addressed = await run({ 'inst.example': { a: ['192.0.2.9'] } }, '--json')
    assert.equal(addressed.verdicts['mx-implicit'], 'violated')
    assert.match(addressed.stdout, /Mail goes to 192\.0\.2\.9/)
    const beside = await run({ 'inst.example': { mx: goodMx, a: ['192.0.2.9'] } }, '--json')
    assert.equal(beside.verdicts['mx-implicit'], 'met')
    const lost = await run({ 'inst.example': { a: 'servfail' } }, '--json')
    assert.equal(lost.verdicts['mx-implicit'], 'undetermined')
    const none = await run({ 'inst.example': { mx: [], a: [] } }, '--json')
    assert.equal(none.verdicts['mx-implicit'], 'not-applicable')
  })
  test('TLSA of one relay only, and not verified', async () => {
    const tlsa = { [`_25._tcp.${relay1}`]: { raw: { 52: [Buffer.from('030101aa', 'hex')] } } }
    const { verdicts } = await run({ 'inst.example': { mx: goodMx }, ...tlsa }, '--json')
    assert.equal(verdicts['relay-tlsa'], 'violated')
  })
  test('CAA is shown, DKIM is looked for, too many look-ups are counted', async () => {
    const caa = Buffer.from([0, 5, ...Buffer.from('issueca.example')])
    const includes = Array.from({ length: 11 }, (_, index) => `include:${index}.example`)
    const raw = { 257: [caa], 16: txt(`v=spf1 ${includes.join(' ')} -all`) }
    const ran = await run(
      { 'inst.example': { mx: goodMx, raw }, '_domainkey.inst.example': { a: [] } },
      '--json',
    )
    assert.match(ran.stdout, /issue ca\.example/)
    assert.equal(ran.verdicts['dkim-hint'], 'met')
    assert.equal(ran.subtypes['spf-hint'], 'too-many-look-ups')
    const without = await run({ 'inst.example': { mx: goodMx } }, '--json')
    assert.equal(without.verdicts['dkim-hint'], 'violated')
  })
})

describe('MX beside the relays', () => {
  const zone: Zone = {
    'inst.example': { mx: [...goodMx, [20, 'mail.other.test']] },
    'mail.other.test': { a: ['8.8.8.8'] },
  }
  test('of another name: whose is it? Seen from here nothing is said about its port', async () => {
    const { verdicts, subtypes } = await run(zone, '--json')
    assert.equal(subtypes['mx-no-foreign'], 'foreign-name')
    assert.deepEqual(
      [verdicts['mx-own-reachable'], subtypes['mx-own-reachable']],
      ['undetermined', 'needs-outside'],
    )
  })
  test('from outside: no answer to the question for its address is no closed port', async () => {
    for (const [record, verdict] of [
      [{ a: 'servfail' }, 'undetermined'],
      [{ a: [], aaaa: 'silent' }, 'undetermined'],
      [{ a: [], aaaa: [] }, 'violated'],
    ] as const) {
      const report = await examineZone(
        { ...zone, 'mail.other.test': record },
        [server.address, server.address],
        { outside: { smtpPort: 1 } },
      )
      const finding = findingOf(report, 'mx-own-reachable')
      assert.equal(finding.kind, verdict, JSON.stringify(record))
      if (verdict === 'undetermined') assert.match(finding.summary.en, /SERVFAIL|timeout/)
    }
  })
  for (const [name, isOpen] of [
    ['open', true],
    ['closed', false],
  ] as const) {
    test(`from outside: ${name}`, async () => {
      await using listener = await startInstituteServer()
      if (!isOpen) await listener.pause()
      for (const key of Object.keys(server.zone)) delete server.zone[key]
      Object.assign(server.zone, { ...zone, 'mail.other.test': { a: ['127.0.0.1'] } })
      const [address = '', port = ''] = server.address.split(':')
      const nameServer = { address, port: Number(port) }
      const report = await checkDomain(
        {
          domain: 'inst.example',
          relays,
          resolver: nameServer,
          nameServers: [nameServer],
          timeoutMs: 3000,
          isServed: null,
          policyServer: null,
          ca: null,
          outside: { smtpPort: listener.port },
          helloName: 'relay.example.org',
          relayPort: 25,
          disagreement: null,
        },
        systemClock,
        new AbortController().signal,
      )
      const outcome = report.outcomes.find(({ check }) => check.id === 'mx-own-reachable')
      assert.equal(outcome?.finding.kind, isOpen ? 'met' : 'violated')
      assert.deepEqual(listener.commandTexts, [])
    })
  }
})

test('what points to the relays and is not served loses its mail', async () => {
  await using folder = await temporaryFolder()
  const config = join(folder.path, 'pforte.yaml')
  const listen = '[{ address: 127.0.0.1, port: 2525 }]'
  await writeFile(config, `hostname: mailrelay1.example.org\nlisten: ${listen}\nstate: ./state\n`)
  const zone = { 'inst.example': { mx: goodMx } }
  const before = await run(zone, '--json', '--config', config)
  assert.equal(before.subtypes['mx-listed-only'], 'unsolicited-domain')
  assert.equal(before.code, 1)
  const io = { ...quiet, stderr: (words: string) => assert.fail(words) }
  await runCommandLine(
    ['domain', 'add', 'inst.example', '--to', '192.0.2.7', '--config', config],
    io,
  )
  const after = await run(zone, '--json', '--config', config)
  assert.equal(after.verdicts['mx-listed-only'], 'met')
  const gone = await run(
    { 'inst.example': { mx: [[10, 'old.example']] } },
    '--json',
    '--config',
    config,
  )
  assert.equal(gone.subtypes['mx-listed-only'], 'not-pointing')
})

test('all that is served: a line each, and the worst counts', async () => {
  await using folder = await temporaryFolder()
  const config = join(folder.path, 'pforte.yaml')
  const listen = '[{ address: 127.0.0.1, port: 2525 }]'
  await writeFile(config, `hostname: mailrelay1.example.org\nlisten: ${listen}\nstate: ./state\n`)
  for (const domain of ['inst.example', 'away.example']) {
    await runCommandLine(['domain', 'add', domain, '--to', '192.0.2.7', '--config', config], quiet)
  }
  const zone = {
    'inst.example': { mx: goodMx },
    'away.example': { mx: [[10, 'old.example']] },
  } as const
  Object.assign(
    server.zone,
    { [relay1]: { a: ['192.0.2.1'] }, [relay2]: { a: ['192.0.2.2'] } },
    zone,
  )
  let stdout = ''
  const named = relays.flatMap((relay) => ['--relay', relay])
  const place = ['--resolver', server.address, '--name-server', server.address, '--config', config]
  const io = { ...quiet, stdout: (words: string) => void (stdout += words) }
  assert.equal(await runCommandLine(['check', 'dns', '--served', ...named, ...place], io), 1)
  assert.match(stdout, /^away\.example: not-ready, .*mx-both-relays violated/m)
  assert.match(stdout, /^away\.example: .*mx-listed-only violated/m)
  assert.match(stdout, /^inst\.example: ready/m)
})
