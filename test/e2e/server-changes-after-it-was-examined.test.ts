// The relay looks again at servers that were examined, and tells what has changed (decision 039). Periods of
// seconds instead of a day; each case once in one process and once with a coordinator.

import assert from 'node:assert/strict'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startDnsServer } from '../support/dns-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { endpointOf, openSession } from './support/mail.ts'

const known = 'known@inst.example'
const patienceMs = 120_000
const recheck = { every: '2s', confirmAfter: '1s' }

type Event = Readonly<Record<string, unknown>>

const isKind =
  (kind: string, fields: Event = {}) =>
  (event: Event): boolean =>
    event['event'] === kind &&
    Object.entries(fields).every(([name, value]) => event[name] === value)

async function examine(relay: TestRelay, institute: InstituteServer): Promise<void> {
  const only = ['banner-220', 'rcpt-existing-accepted', 'rcpt-unknown-rejected', 'starttls-offered']
  const addresses = ['--existing', known, '--unknown', 'unknown@inst.example']
  const { stderr } = await relay.pforte(
    'check',
    '127.0.0.1',
    '--port',
    String(institute.port),
    '--save',
    ...addresses,
    ...only.flatMap((id) => ['--only', id]),
  )
  assert.match(stderr, /inst\.example: profile saved/)
}

async function metric(relay: TestRelay, name: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${relay.metricsPort}/metrics`)
  const lines = (await response.text()).split('\n')
  return lines.filter((line) => line.startsWith(name)).join('\n')
}

for (const workers of [0, 1]) {
  test(`unknown recipients are suddenly accepted: told once, to people too (workers: ${workers})`, async () => {
    await using institute = await startInstituteServer({ mailboxes: [known] })
    await using office = await startInstituteServer({ mailboxes: ['operator@office.example'] })
    await using relay = await startRelay({
      domains: [
        { domain: 'inst.example', to: endpointOf(institute) },
        { domain: 'office.example', to: endpointOf(office) },
      ],
      config: { workers, recheck, postmaster: 'operator@office.example' },
    })
    await examine(relay, institute)
    const profile = path.join(relay.folder, 'state', 'profiles', 'inst.example.json')
    assert.equal((await stat(profile)).mode & 0o777, 0o600)
    assert.deepEqual(JSON.parse(await readFile(profile, 'utf8')).asked.existing, [known])
    await relay.waitForEvent(isKind('recheck-finished', { checkCount: 4 }), patienceMs)
    assert.deepEqual(relay.events('verdict-changed'), [])

    institute.setMailboxes('all')
    const changed = await relay.waitForEvent(isKind('verdict-changed'), patienceMs)
    assert.equal(changed['check'], 'rcpt-unknown-rejected')
    assert.deepEqual(
      [changed['severity'], changed['was'], changed['finding']],
      ['must', 'met', 'violated'],
    )
    // Seen once, and again by a look at this one check alone.
    const looks = relay
      .events('recheck-finished')
      .map((event) => [event['checkCount'], event['suspicionCount']])
    const first = looks.findIndex(([, suspicions]) => suspicions === 1)
    assert.deepEqual(looks[first + 1], [1, 0])
    const [mail] = await office.waitForMails(1, patienceMs)
    assert.match(mail?.content?.toString() ?? '', /rcpt-unknown-rejected/)
    assert.match(
      await metric(relay, 'pforte_verdict_changes_total{'),
      /severity="must",verdict="violated"\} 1/,
    )
    const status = await relay.pforte('status')
    assert.match(
      status.stdout,
      /1 changed verdict\n {2}inst\.example: rcpt-unknown-rejected \(must\) was met, is violated since /,
    )
    const shown = await relay.pforte('domain', 'profile', 'inst.example')
    assert.match(shown.stdout, /now violated +rcpt-unknown-rejected \(must\), was met/)

    institute.setMailboxes([known])
    await relay.waitForEvent(isKind('verdict-changed', { finding: 'met' }), patienceMs)
    assert.equal(relay.events('alert-raised').length, 1)
    assert.equal(office.mails.length, 1)
    assert.equal(relay.events('verdict-changed').length, 2)
    assert.equal(institute.mails.length, 0)
    // The registry is as it was.
    assert.ok(!institute.commandTexts.includes('DATA'))
  })
}

test('what was seen survives a kill: it is not told again, and not asked again at once', async () => {
  await using folder = await temporaryFolder()
  await using institute = await startInstituteServer({ mailboxes: [known] })
  const options = {
    folder: folder.path,
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  }
  {
    await using relay = await startRelay({ ...options, config: { recheck } })
    await examine(relay, institute)
    institute.setMailboxes('all')
    await relay.waitForEvent(isKind('verdict-changed'), patienceMs)
    await relay.pforte('domain', 'recheck', 'inst.example')
    relay.signal('SIGKILL')
    await relay.ended
  }
  // A day has not passed, so that nobody is asked; the look before the kill was the last.
  institute.clear()
  await using relay = await startRelay({
    ...options,
    config: { recheck: { every: '1h', confirmAfter: '1s' } },
  })
  const shown = await relay.pforte('domain', 'profile', 'inst.example', '--json')
  const { changed } = JSON.parse(shown.stdout).recheck.server
  assert.equal(changed.length, 1)
  assert.equal(changed[0].check, 'rcpt-unknown-rejected')
  await relay.waitForEvent(isKind('recheck-finished'), patienceMs)
  await new Promise((resolve) => setTimeout(resolve, 1500))
  assert.equal(relay.events('recheck-finished').length, 1, 'the one that was due')
  assert.deepEqual(relay.events('verdict-changed'), [])
})

test('what a command has seen the second time, the relay tells', async () => {
  await using institute = await startInstituteServer({ mailboxes: [known] })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    // Read again every 4 s.
    config: { recheck: { every: '10min', confirmAfter: '30s' } },
  })
  await examine(relay, institute)
  assert.equal((await relay.pforte('domain', 'recheck', 'inst.example')).exitCode, 0)
  institute.setMailboxes('all')
  const once = await relay.pforte('domain', 'recheck', 'inst.example')
  assert.equal(once.exitCode, 1)
  assert.match(once.stdout, /seen once +rcpt-unknown-rejected violated, was met/)
  const twice = await relay.pforte('domain', 'recheck', 'inst.example')
  assert.match(twice.stdout, /now violated +rcpt-unknown-rejected \(must\), was met/)
  await relay.waitForEvent(isKind('verdict-changed'), patienceMs)
  assert.equal(relay.events('verdict-changed').length, 1)
})

test('the MX records lead elsewhere: told as well, beside the server that is as it was', async () => {
  const relays = ['mailrelay1.example.org', 'mailrelay2.example.org'] as const
  await using dns = await startDnsServer({
    'inst.example': {
      mx: [
        [10, relays[0]],
        [10, relays[1]],
      ],
      ttlSeconds: 86_400,
    },
    [relays[0]]: { a: ['192.0.2.1'] },
    [relays[1]]: { a: ['192.0.2.2'] },
    'old.example': { a: ['192.0.2.9'] },
  })
  await using institute = await startInstituteServer({ mailboxes: [known] })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { recheck, dns: { servers: [dns.address] } },
  })
  await examine(relay, institute)
  const named = relays.flatMap((name) => ['--relay', name])
  const place = ['--resolver', dns.address, '--name-server', dns.address]
  const saved = await relay.pforte('check', 'dns', 'inst.example', '--save', ...named, ...place)
  assert.equal(saved.exitCode, 0, saved.stdout)
  await relay.waitForEvent(isKind('recheck-finished', { server: 'DNS' }), patienceMs)
  dns.zone['inst.example'] = {
    mx: [
      [10, relays[0]],
      [10, 'old.example'],
    ],
    ttlSeconds: 86_400,
  }
  // Raised when all changes of the look have been told.
  await relay.waitForEvent(isKind('alert-raised'), patienceMs)
  const changed = relay.events('verdict-changed')
  assert.ok(changed.every((event) => event['server'] === 'DNS'))
  for (const check of ['mx-both-relays', 'mx-relays-lowest']) {
    assert.ok(changed.some(isKind('verdict-changed', { check, severity: 'must' })), check)
  }
  const alerts = relay.events('alert-raised')
  assert.equal(alerts.length, 1)
  assert.deepEqual(alerts[0]?.['alert'], 'requirement-violated')
  const shown = await relay.pforte('domain', 'profile', 'inst.example')
  assert.match(shown.stdout, /since then: DNS\n(?:.*\n)* +now violated +mx-both-relays \(must\)/)
  await relay.pforte('domain', 'remove', 'inst.example')
  for (const folder of ['profiles', 'zones']) {
    assert.deepEqual(await readdir(path.join(relay.folder, 'state', folder)), [], folder)
  }
})

test('a relay that drains asks nobody', async () => {
  await using institute = await startInstituteServer({ mailboxes: [known] })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { recheck, limits: { drainTimeout: '5s' } },
  })
  await examine(relay, institute)
  await relay.waitForEvent(isKind('recheck-finished'), patienceMs)
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command(`RCPT TO:<${known}>`, 250)
  await client.command('DATA', 354)
  relay.signal('SIGTERM')
  await relay.waitForEvent(isKind('draining'), patienceMs)
  const before = institute.counts.total
  assert.equal(await relay.ended, 0)
  const after = relay.events('draining').length
  assert.equal(after, 1)
  assert.equal(institute.counts.total, before)
})
