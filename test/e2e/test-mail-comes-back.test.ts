// A server accepts test mails and sends reports later: to the relay, which serves the domain of their senders and hands
// them to its catcher. The run sees the first, and whoever looks later the second.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { examinedServer, site } from '../support/examined-server.ts'
import { startScriptedServer } from '../support/hostile-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { sendBack } from '../support/send-back.ts'
import { freePort } from '../interop/support/daemon.ts'

const probeDomain = 'probe.example.org'

async function startRelayWithCatcher(
  workers: number,
): Promise<TestRelay & { readonly catcherPort: number }> {
  const port = await freePort()
  const relay = await startRelay({
    domains: [{ domain: probeDomain, to: `127.0.0.1:${port}` }],
    config: { workers, catcher: { domain: probeDomain, listen: { address: '127.0.0.1', port } } },
  })
  return { ...relay, catcherPort: port }
}

async function startOtherRelay(catcherPort: number): Promise<TestRelay> {
  return await startRelay({ domains: [{ domain: probeDomain, to: `127.0.0.1:${catcherPort}` }] })
}

interface Verdict {
  readonly id: string
  readonly kind: string
  readonly summary: { readonly de: string; readonly en: string }
}
interface Shown {
  readonly verdicts: readonly Verdict[]
  readonly senders: readonly { readonly check: string; readonly token: string }[]
}

async function show(relay: TestRelay, run: string): Promise<{ shown: Shown; code: number | null }> {
  const { stdout, exitCode, stderr } = await relay.pforte('catcher', 'show', run, '--json')
  assert.equal(stderr, '')
  return { shown: JSON.parse(stdout) as Shown, code: exitCode }
}

function verdictOf({ verdicts }: Shown, id: string): string | undefined {
  return verdicts.find((each) => each.id === id)?.kind
}

for (const workers of [0, 1]) {
  test(
    `reports come back through the relay (workers: ${workers})`,
    { timeout: 240_000 },
    async () => {
      await using relay = await startRelayWithCatcher(workers)
      const institute = await startScriptedServer(
        examinedServer({
          rcpt: () => '250 Ok',
          final: async (content, { from }) => {
            // What it sends back goes to the MX of the sender's domain, which is the relay.
            if (!content.includes(`To: <${site.existing}>`)) {
              assert.match(await sendBack(relay.port, from, 'failed'), /^250 /)
            }
            return '250 2.0.0 Ok'
          },
        }),
      )
      const ids = ['data-clean', 'no-backscatter-unknown', 'no-backscatter-longtail']
      const args = [
        ['check', '127.0.0.1', '--port', String(institute.port), '--existing', site.existing],
        ['--send', '--confirm', site.existing, '--catcher', '--wait', '2s', '--json'],
        ...ids.map((id) => ['--only', id]),
      ]
      const checked = await relay.pforte(...args.flat())
      assert.equal(checked.exitCode, 1, checked.stderr)
      const findings = JSON.parse(checked.stdout).findings as { id: string; verdict: string }[]
      assert.deepEqual(
        findings.map(({ id, verdict }) => `${id} ${verdict}`),
        [
          'data-clean met',
          'no-backscatter-unknown violated',
          'no-backscatter-longtail undetermined',
        ],
      )
      const run = /pforte catcher show ([a-z2-7]{8})$/m.exec(checked.stderr)?.[1] ?? ''
      const before = await show(relay, run)
      assert.equal(verdictOf(before.shown, 'no-backscatter-longtail'), 'undetermined')

      // Hours later, as it were, and to the other MX, which has the same route and no catcher.
      const token = before.shown.senders.find(({ check }) => check === 'data-clean')?.token ?? ''
      await using other = await startOtherRelay(relay.catcherPort)
      assert.match(await sendBack(other.port, `b-${token}@${probeDomain}`, 'failed'), /^250 /)
      const event = await relay.waitForEvent(
        (each) =>
          each['event'] === 'return-caught' &&
          each['check'] === 'data-clean' &&
          each['returned'] === 'report failed',
        20_000,
      )
      assert.equal(event['run'], run)
      assert.equal(event['level'], 'warning')
      const after = await show(relay, `b-${token}@${probeDomain}`)
      assert.equal(verdictOf(after.shown, 'no-backscatter-longtail'), 'violated')
      assert.equal(after.code, 1)
      const text = await relay.pforte('catcher', 'show', run, '--lang', 'de')
      assert.match(text.stdout, /no-backscatter-longtail: verletzt \(muss\)/)
      assert.match(
        text.stdout,
        /Zustellbericht \(failed\): smtp; 550 5\.1\.1 <p\*\*\*@elsewhere\.example>/,
      )
      const list = await relay.pforte('catcher', 'list')
      assert.match(list.stdout, new RegExp(`^${run}  .*127\\.0\\.0\\.1:${institute.port}`, 'm'))

      // Nobody else has an address there.
      const refused = await sendBack(relay.port, `b-${'a'.repeat(26)}@${probeDomain}`, 'failed')
      assert.match(refused, /^550 5\.1\.1 /)
      await institute.close()
    },
  )
}

test(
  'a report that comes after the profile was saved changes the verdict that was saved',
  { timeout: 240_000 },
  async () => {
    const port = await freePort()
    const institute = await startScriptedServer(
      examinedServer({ rcpt: () => '250 Ok', final: () => '250 2.0.0 Ok' }),
    )
    await using stack = new AsyncDisposableStack()
    stack.defer(async () => await institute.close())
    await using relay = await startRelay({
      domains: [
        { domain: probeDomain, to: `127.0.0.1:${port}` },
        { domain: site.domain, to: `127.0.0.1:${institute.port}` },
      ],
      config: {
        catcher: { domain: probeDomain, listen: { address: '127.0.0.1', port } },
        // The files are read every 8 s, and nobody is asked meanwhile.
        recheck: { every: '10min', confirmAfter: '30s' },
      },
    })
    const ids = ['data-clean', 'rcpt-late-rejection', 'no-backscatter-unknown']
    const args = [
      ['check', '127.0.0.1', '--port', String(institute.port), '--existing', site.existing],
      ['--send', '--confirm', site.existing, '--catcher', '--wait', '0s', '--json', '--save'],
      ...[...ids, 'no-backscatter-longtail'].map((id) => ['--only', id]),
    ]
    const ran = await relay.pforte(...args.flat())
    const run = /pforte catcher show ([a-z2-7]{8})$/m.exec(ran.stderr)?.[1] ?? ''
    const { shown } = await show(relay, run)
    const token = shown.senders.find(({ check }) => check === 'no-backscatter-unknown')?.token
    const before = await relay.pforte('domain', 'profile', site.domain)
    assert.match(before.stdout, /undetermined +rcpt-late-rejection/)
    assert.doesNotMatch(before.stdout, /now violated/)
    // A look at something else in between leaves the run the one that is waited for.
    const another = [
      ['check', '127.0.0.1', '--port', String(institute.port), '--domain', site.domain],
      ['--save', '--only', 'banner-220'],
    ]
    await relay.pforte(...another.flat())
    assert.match(await sendBack(relay.port, `b-${token}@${probeDomain}`, 'failed'), /^250 /)
    for (const check of ['rcpt-late-rejection', 'no-backscatter-unknown']) {
      const changed = await relay.waitForEvent(
        (event) => event['event'] === 'verdict-changed' && event['check'] === check,
        120_000,
      )
      assert.deepEqual([changed['was'], changed['finding']], ['undetermined', 'violated'])
    }
    const after = await relay.pforte('domain', 'profile', site.domain)
    assert.match(after.stdout, /now violated +rcpt-late-rejection \(must\), was undetermined/)
    assert.equal(relay.events('verdict-changed').length, 2)
    assert.equal(relay.events('alert-raised').length, 1)
  },
)

test('what nobody would catch is not sent', async () => {
  await using relay = await startRelay({ domains: [] })
  const institute = await startScriptedServer(examinedServer({}))
  const args = ['check', '127.0.0.1', '--port', String(institute.port), '--catcher']
  const { exitCode, stderr } = await relay.pforte(...args)
  assert.equal(exitCode, 3)
  assert.match(stderr, /set catcher\.domain/)
  assert.equal(institute.connections.length, 0)
  await institute.close()
})
