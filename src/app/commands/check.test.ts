import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { examinedServer, goodRcpt, site } from '../../../test/support/examined-server.ts'
import { startScriptedServer, type ScriptedServer } from '../../../test/support/hostile-server.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import type { CommandIo } from '#app/command.ts'
import { runCommandLine } from '#app/commands.ts'

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function check(args: readonly string[], more: Partial<CommandIo> = {}): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const io: CommandIo = {
    stdout: (text) => (written.stdout += text),
    stderr: (text) => (written.stderr += text),
    environment: {},
    isTerminal: false,
    signal: new AbortController().signal,
    ...more,
  }
  const code = await runCommandLine(['check', ...args], io)
  return { code, ...written }
}

const servers: ScriptedServer[] = []
after(() => Promise.all(servers.map((server) => server.close())))

async function serve(options: Parameters<typeof examinedServer>[0]): Promise<ScriptedServer> {
  const server = await startScriptedServer(examinedServer(options))
  servers.push(server)
  return server
}

/** A few checks are enough to see what the command makes of them. */
function argumentsFor(server: ScriptedServer, ...more: readonly string[]): readonly string[] {
  const only = ['banner-220', 'rcpt-existing-accepted', 'rcpt-unknown-rejected'].flatMap((id) => [
    '--only',
    id,
  ])
  const addresses = ['--existing', site.existing, '--unknown', site.unknown]
  return ['127.0.0.1', '--port', String(server.port), ...addresses, ...only, ...more]
}

describe('the exit code', () => {
  test('0: everything is met', async () => {
    const { code, stdout } = await check(argumentsFor(await serve({})))
    assert.equal(code, 0, stdout)
    assert.match(stdout, /All requirements that were checked are met/)
  })
  test('1: something is violated; evidence and fix are shown, for the program that was recognised', async () => {
    const server = await serve({ banner: () => '220 mail ESMTP Postfix', rcpt: () => '250 Ok' })
    const { code, stdout } = await check(argumentsFor(server, '--lang', 'de'))
    assert.equal(code, 1)
    assert.match(stdout, /✗ rcpt-unknown-rejected: .*\[verletzt, muss, accepts-unknown\]/)
    assert.match(stdout, / ms {2}C: RCPT TO:<\w+@inst\.example>\n +\d+\.\d ms {2}S: 250 Ok/)
    assert.match(stdout, /unverified_recipient_reject_code = 550/)
    assert.doesNotMatch(stdout, /Exim/)
  })
  test('2: something could not be determined', async () => {
    const { code } = await check(argumentsFor(await serve({ rcpt: () => '451 4.3.0 Later' })))
    assert.equal(code, 2)
  })
  for (const [name, args, message] of [
    ['no host', [], /name one host/],
    ['an unknown check', ['x.example', '--only', 'baner-220'], /did you mean banner-220/],
    [
      'an address of another domain',
      ['x.example', '--domain', 'a.example', '--existing', 'x@b.example'],
      /not in one of the domains/,
    ],
    ['not a port', ['x.example', '--port', '70000'], /not a port/],
    ['a mistyped option', ['x.example', '--exsting', 'x@b.example'], /did you mean --existing/],
    [
      'a network that was not permitted',
      ['127.0.0.1', '--within', '127.0.0.0/8'],
      /may not be examined: 127\.0\.0\.1 is loopback/,
    ],
    ['longer than a day', ['x.example', '--timeout', '31d'], /more than 1d/],
    [
      'connect from an address of others',
      ['127.0.0.1', '--port', '9', '--from-source', '192.0.2.9'],
      /192\.0\.2\.9: not an address of this machine/,
    ],
    ['two forms', ['x.example', '--json', '--junit'], /only one of/],
    [
      'a name that nobody knows',
      ['nowhere.invalid', '--resolver', '127.0.0.1:1'],
      /cannot look up/,
    ],
  ] as const) {
    test(`3: ${name}`, async () => {
      const { code, stderr } = await check(args)
      assert.equal(code, 3)
      assert.match(stderr, message)
    })
  }
})

describe('the forms', () => {
  test('JSON has findings in both languages, and the transcripts they point into', async () => {
    const { stdout } = await check(argumentsFor(await serve({}), '--json'))
    const report = JSON.parse(stdout)
    assert.equal(report.overall, 'ready')
    const [finding] = report.findings
    assert.equal(finding.verdict, 'met')
    assert.ok(finding.title.de !== finding.title.en)
    const [{ transcript, from, to }] = finding.evidence
    const lines = report.transcripts.find(({ id }: { id: number }) => id === transcript).lines
    assert.match(
      lines
        .slice(from, to)
        .map(({ text }: { text: string }) => text)
        .join(),
      /^220 /,
    )
  })
  test('JUnit counts what is violated, and escapes what the server said', async () => {
    const server = await serve({ banner: () => '554 <&"no">' })
    const { code, stdout } = await check(argumentsFor(server, '--junit'))
    assert.equal(code, 1)
    assert.match(stdout, /tests="3" failures="1" skipped="2"/)
    assert.match(stdout, /554 &lt;&amp;&quot;no&quot;&gt;/)
  })
  test('Markdown does not let the server write markup', async () => {
    const server = await serve({ banner: () => '554 [click](http://evil.example) ```' })
    const { stdout } = await check(argumentsFor(server, '--markdown'))
    assert.match(stdout, /\\\[click\\\]/)
    assert.match(stdout, /````text\n/)
  })
  test('--explain says what a check demands', async () => {
    assert.match(
      (await check(['--explain', 'tls-chain'])).stdout,
      /^tls-chain: Trusted certificate chain \(should\)/,
    )
    assert.match(
      (await check(['--explain', 'all', '--lang', 'de'])).stdout,
      /^no-greylisting +muss +Kein Greylisting/m,
    )
  })
})

test('the progress is for a terminal, on standard error', async () => {
  const server = await serve({})
  const { stderr, stdout } = await check(argumentsFor(server), {
    isTerminal: true,
    environment: { NO_COLOR: '1' },
  })
  assert.match(stderr, /2\/3 rcpt-existing-accepted/)
  assert.match(stderr, /✓ banner-220 +Greeting with 220\n/)
  assert.match(stdout, /^127\.0\.0\.1:\d+ \(127\.0\.0\.1\)\n/)
})

test('Ctrl-C ends the run with what is known so far', async () => {
  const stop = new AbortController()
  const server = await serve({
    rcpt: async () => {
      stop.abort()
      await new Promise((resolve) => setTimeout(resolve, 300))
      return '250 Ok'
    },
  })
  const { code, stdout } = await check(argumentsFor(server), { signal: stop.signal })
  assert.equal(code, 2)
  assert.match(stdout, /The run was stopped before its end/)
  assert.match(stdout, /✓ banner-220/)
})

describe('addresses', () => {
  test('that nobody nominated are masked', async () => {
    const server = await serve({ rcpt: (to) => `${goodRcpt(to)}; ask boss.secret@inst.example` })
    const { stdout } = await check(argumentsFor(server, '--json'))
    assert.doesNotMatch(stdout, /boss\.secret/)
    assert.match(stdout, /b\*\*\*@inst\.example/)
    assert.match(stdout, /RCPT TO:<nobody@inst\.example>/)
  })
})

describe('--send', () => {
  const sends = (server: ScriptedServer, ...more: readonly string[]): readonly string[] => [
    ...argumentsFor(server).filter((each) => !/^(?:--only|banner-220|rcpt-)/.test(each)),
    '--only',
    'data-clean',
    '--send',
    ...more,
  ]
  const final = (): string => '250 2.0.0 Ok'
  test('without confirmation nothing is contacted', async () => {
    const server = await serve({ final })
    const { code, stderr } = await check(sends(server))
    assert.equal(code, 3)
    assert.match(stderr, /unless --confirm anna@inst\.example is given/)
    const refused = await check(sends(server), { ask: () => Promise.resolve('yes') })
    assert.equal(refused.code, 3)
    assert.match(
      (await check(sends(server, '--confirm', 'bob@inst.example'))).stderr,
      /is not the first/,
    )
    assert.equal(server.connections.length, 0)
  })
  test('with it one mail is sent, to that mailbox', async () => {
    const server = await serve({ final })
    const { code } = await check(sends(server), { ask: () => Promise.resolve(site.existing) })
    assert.equal(code, 0)
    assert.equal(server.connections.flatMap(({ contents }) => contents).length, 1)
    assert.deepEqual(
      server.lines.filter((line) => line.startsWith('RCPT')),
      [`RCPT TO:<${site.existing}>`],
    )
  })
})

test('--save: the relay takes no larger mails than the server, and says what has changed', async () => {
  await using folder = await temporaryFolder()
  const config = join(folder.path, 'pforte.yaml')
  await writeFile(
    config,
    `hostname: mailrelay1.example.org\nlisten: [{ address: 127.0.0.1, port: 2525 }]\nstate: ./state\n`,
  )
  const withConfig = ['--config', config]
  const command = async (...args: readonly string[]): Promise<Ran> => {
    const written = { stdout: '', stderr: '' }
    const io: CommandIo = {
      stdout: (text) => (written.stdout += text),
      stderr: (text) => (written.stderr += text),
      environment: {},
      isTerminal: false,
      signal: new AbortController().signal,
    }
    return { code: await runCommandLine([...args, ...withConfig], io), ...written }
  }
  const small = await serve({ keywords: ['SIZE 10240000'] })
  const save = (server: ScriptedServer): Promise<Ran> =>
    command('check', ...argumentsFor(server, '--only', 'size-ehlo', '--save'))
  assert.equal((await save(small)).code, 3, 'nobody serves the domain')
  assert.equal(small.connections.length, 0)
  await command('domain', 'add', site.domain, '--to', '192.0.2.7')
  assert.equal((await command('domain', 'profile', site.domain)).code, 1)
  const saved = await save(small)
  assert.equal(saved.code, 1)
  assert.match(saved.stderr, /inst\.example: max size 9936KiB, from now on\n/)
  const shown = JSON.parse((await command('domain', 'show', site.domain, '--json')).stdout)
  assert.equal(shown.maxMessageBytes, 10_240_000 - 65_536)
  assert.match(
    (await command('domain', 'profile', site.domain)).stdout,
    /maxMessageBytes +10240000\n(?:.*\n)* +violated +size-ehlo/,
  )
  const better = await save(await serve({}))
  assert.match(better.stderr, /size-ehlo was violated, is met/)
  assert.match(better.stderr, /inst\.example: max size 9936KiB: no longer\n/)
  const limit = async (): Promise<number | null> =>
    JSON.parse((await command('domain', 'show', site.domain, '--json')).stdout).maxMessageBytes
  assert.equal(await limit(), null)
  // A person's word stays, whatever is measured; and it is said that they differ.
  await command('domain', 'set', site.domain, '--max-size', '20MiB')
  const differing = await save(small)
  assert.match(differing.stderr, /max size 20MiB, set by hand, stays; measured: max size 9936KiB\n/)
  assert.equal(await limit(), 20 * 1024 ** 2)
  await command('domain', 'set', site.domain, '--max-size', 'none')
  assert.equal(await limit(), 10_240_000 - 65_536, 'what was measured holds again')
  // A run that does not look at the size leaves what another one has found.
  await command('check', ...argumentsFor(small, '--save'))
  assert.equal(await limit(), 10_240_000 - 65_536)
  // Nor does the daily look get narrower by it, or forget what it has seen.
  const file = join(folder.path, 'state', 'rechecks', `${site.domain}.json`)
  const state = JSON.parse(await readFile(file, 'utf8'))
  const words = { de: 'x', en: 'x' }
  const change = { check: 'size-ehlo', was: 'violated', verdict: 'met', atMs: Date.now() }
  const more = { severity: 'must', title: words, summary: words, isTold: true }
  const verdicts = { ...state.verdicts, 'size-ehlo': 'met' }
  const last = { atMs: Date.now(), failure: null, checkCount: 1 }
  await writeFile(
    file,
    JSON.stringify({ ...state, verdicts, changes: [{ ...change, ...more }], last }),
  )
  await command('check', ...argumentsFor(small, '--only', 'banner-220', '--save'))
  const kept = JSON.parse((await command('domain', 'profile', site.domain, '--json')).stdout)
  assert.equal(kept.verdicts['size-ehlo'], 'violated')
  assert.equal(kept.profile.maxMessageBytes, 10_240_000)
  assert.partialDeepStrictEqual(kept.recheck.server.changed, [
    { check: 'size-ehlo', was: 'violated', verdict: 'met' },
  ])
  const forgotten = await command('domain', 'set', site.domain, '--measured', 'none')
  assert.match(forgotten.stdout, /what was measured is obeyed no longer/)
  assert.equal(await limit(), null)
})
