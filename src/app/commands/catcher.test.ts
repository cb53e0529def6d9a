import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { examinedServer, site } from '../../../test/support/examined-server.ts'
import { startScriptedServer } from '../../../test/support/hostile-server.ts'
import { sendBack } from '../../../test/support/send-back.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import type { CommandIo } from '#app/command.ts'
import { runCommandLine } from '#app/commands.ts'
import { startCatcher } from '#app/start-catcher.ts'
import { loadConfig } from '#config/load-config.ts'
import type { PforteEvent } from '#telemetry/telemetry.ts'
import { localPartOf } from '#catcher/catcher.ts'
import { loadProfile, type SavedProfile } from '#compliance/profile-store.ts'
import { openCatchStore } from '#catcher/store.ts'

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function pforte(args: readonly string[], more: Partial<CommandIo> = {}): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const io: CommandIo = {
    stdout: (text) => (written.stdout += text),
    stderr: (text) => (written.stderr += text),
    environment: {},
    isTerminal: false,
    signal: new AbortController().signal,
    ...more,
  }
  return { code: await runCommandLine(args, io), ...written }
}

interface Site extends AsyncDisposable {
  readonly config: readonly string[]
  readonly state: string
  readonly log: () => string
}

async function makeSite(
  catcher = 'catcher: { domain: probe.example.org, listen: { port: 0 } }',
): Promise<Site> {
  const folder = await temporaryFolder()
  const file = join(folder.path, 'pforte.yaml')
  const lines = [
    'hostname: catcher.example.org',
    'listen: [{ address: 127.0.0.1, port: 25 }]',
    'state: state',
    'log: { format: json, file: log }',
    catcher,
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  const logFile = join(folder.path, 'log')
  return {
    config: ['--config', file],
    state: join(folder.path, 'state'),
    log: () => readFileSync(logFile, { encoding: 'utf8', flag: 'a+' }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

/** `pforte catcher serve` until the end of the block. */
async function serve({ config, log }: Site): Promise<AsyncDisposable & { readonly port: number }> {
  const controller = new AbortController()
  const ended = pforte(['catcher', 'serve', ...config], { signal: controller.signal })
  for (let tries = 0; tries < 400; tries += 1) {
    const port = /"event":"listening".*"listenerPort":(\d+)/.exec(log())?.[1]
    if (port !== undefined) {
      return {
        port: Number(port),
        [Symbol.asyncDispose]: async () => {
          controller.abort()
          assert.equal((await ended).code, 0)
        },
      }
    }
    await sleep(25)
  }
  controller.abort()
  throw new Error(`the catcher does not listen: ${JSON.stringify(await ended)}`)
}

/** The log is written behind what happens. */
async function untilLogged({ log }: Site, wanted: RegExp): Promise<void> {
  for (let tries = 0; tries < 400 && !wanted.test(log()); tries += 1) await sleep(25)
  assert.match(log(), wanted)
}

const use = { check: 'data-clean', purpose: 'mail', recipient: site.existing } as const

describe('pforte catcher', () => {
  test('serve catches, show tells, in both languages; confirm and missing are heard', async () => {
    await using place = await makeSite()
    await using catcher = await serve(place)
    const store = openCatchStore(place.state)
    const start = {
      startedAtMs: Date.now(),
      server: 'mail.inst.example:25',
      mailbox: site.existing,
    }
    const { id, code } = store.beginRun(start)
    const sender = `${localPartOf(store.issue(id, use, Date.now()))}@probe.example.org`
    store.settle(sender.slice(2, sender.indexOf('@')), 'accepted')

    const silent = await pforte(['catcher', 'show', id, ...place.config])
    assert.equal(silent.code, 2, silent.stdout)
    assert.match(
      silent.stdout,
      /no-backscatter-longtail: undetermined \(info\)\n {2}Nothing came back so far; this proves nothing/,
    )
    assert.match(silent.stdout, /delivery-confirmed: undetermined \(must\)/)

    assert.match(await sendBack(catcher.port, sender, 'failed'), /^250 /)
    const late = await pforte(['catcher', 'show', sender, '--lang', 'de', ...place.config])
    assert.equal(late.code, 1)
    assert.match(late.stdout, /no-backscatter-longtail: verletzt \(muss\)/)
    await untilLogged(place, /"event":"return-caught","run":"\w{8}","check":"data-clean"/)

    const wrong = await pforte(['catcher', 'confirm', 'aaaaaaaaaa', ...place.config])
    assert.equal(wrong.code, 1)
    assert.match(wrong.stderr, /no run of the last six days has the code/)
    const right = await pforte(['catcher', 'confirm', code.toUpperCase(), ...place.config])
    assert.equal(right.code, 0, right.stderr)
    const json = await pforte(['catcher', 'show', id, '--json', ...place.config])
    const shown = JSON.parse(json.stdout) as { verdicts: { id: string; kind: string }[] }
    const verdicts = shown.verdicts.map((each) => `${each.id} ${each.kind}`)
    assert.ok(verdicts.includes('delivery-confirmed met'), verdicts.join())
    assert.doesNotMatch(json.stdout, /private\.person/)
    assert.doesNotMatch(
      json.stdout,
      new RegExp(code),
      'the code proves something only while nobody shows it',
    )

    const missing = await pforte(['catcher', 'missing', id, ...place.config])
    assert.equal(missing.code, 0)
    assert.ok(store.run(id, Date.now())?.missingAtMs !== null)
    const list = await pforte(['catcher', 'list', ...place.config])
    assert.match(
      list.stdout,
      new RegExp(`^${id}  .*mail\\.inst\\.example:25  1 senders, 1 returns$`, 'm'),
    )
    store.close()
  })

  for (const [name, args, message] of [
    ['no run', ['show'], /name one run/],
    ['an unknown run', ['show', 'k7q2m3xa'], /there is no run 'k7q2m3xa'/],
    ['control characters', ['missing', 'a\u001b[2Jb'], /there is no run 'a\?\[2Jb'/],
    ['another language', ['list', '--lang', 'fr'], /neither de nor en/],
  ] as const) {
    test(`fails: ${name}`, async () => {
      await using place = await makeSite()
      const { code, stderr } = await pforte(['catcher', ...args, ...place.config])
      assert.ok(code === 1 || code === 2)
      assert.match(stderr, message)
    })
  }

  test('serve says what is missing, and what port is taken', async () => {
    await using place = await makeSite('catcher: { domain: null }')
    const { code, stderr } = await pforte(['catcher', 'serve', ...place.config])
    assert.equal(code, 1)
    assert.match(stderr, /set catcher\.domain/)
    await using taken = await startTaken()
    await using other = await makeSite(
      `catcher: { domain: probe.example.org, listen: { port: ${taken.port} } }`,
    )
    const second = await pforte(['catcher', 'serve', ...other.config])
    assert.equal(second.code, 1)
    assert.match(second.stderr, /cannot listen on 127\.0\.0\.1 port \d+: EADDRINUSE/)
  })
})

async function startTaken(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = await startScriptedServer(examinedServer({}))
  return { port: server.port, [Symbol.asyncDispose]: () => server.close() }
}

describe('what is older than six days is gone from the file', () => {
  /** The mailbox of a run of last week. */
  async function makeOld(place: Site): Promise<() => boolean> {
    await mkdir(place.state, { recursive: true })
    const store = openCatchStore(place.state)
    const startedAtMs = Date.now() - 7 * 86_400_000
    store.beginRun({ startedAtMs, server: 'mail.inst.example:25', mailbox: site.existing })
    store.close()
    return () => {
      const database = new DatabaseSync(join(place.state, 'catcher.db'))
      const rows = database.prepare('SELECT mailbox FROM runs').all()
      database.close()
      return rows.length > 0
    }
  }
  test('after a command, without a catcher', async () => {
    await using place = await makeSite('catcher: { domain: null }')
    const isKept = await makeOld(place)
    assert.ok(isKept())
    assert.equal((await pforte(['catcher', 'list', ...place.config])).code, 0)
    assert.ok(!isKept())
  })
  test('after a start of the relay that catches no more, and what fails there is told', async () => {
    await using place = await makeSite()
    const isKept = await makeOld(place)
    const loaded = loadConfig({ file: place.config[1] ?? '', environment: {} })
    assert.ok(loaded.ok)
    const config = {
      ...loaded.value.config,
      catcher: { ...loaded.value.config.catcher, domain: null },
    }
    const events: string[] = []
    const telemetry = { emit: ({ kind }: PforteEvent): void => void events.push(kind) }
    assert.equal(await startCatcher(config, telemetry), null)
    assert.deepEqual(events, [])
    assert.ok(!isKept())
    await writeFile(join(place.state, 'catcher.db'), 'no database '.repeat(1000))
    assert.equal(await startCatcher(config, telemetry), null)
    assert.deepEqual(events, ['catcher-failed'])
  })
})

describe('pforte check --catcher', () => {
  test('is not run where nobody would catch anything', async () => {
    await using place = await makeSite()
    const server = await startScriptedServer(examinedServer({}))
    const args = ['check', '127.0.0.1', '--port', String(server.port), '--catcher', ...place.config]
    const { code, stderr } = await pforte(args)
    assert.equal(code, 3)
    assert.match(stderr, /nobody would catch anything; start pforte serve/)
    assert.equal(server.connections.length, 0)
    {
      await using _catcher = await serve(place)
      const only = ['--only', 'banner-220']
      const examined = await pforte([...args, ...only])
      assert.equal(examined.code, 0, examined.stderr)
      assert.match(examined.stderr, /is shown by: pforte catcher show [a-z2-7]{8}\n/)
    }
    // It has said that it ends.
    assert.equal((await pforte(args)).code, 3)
    await server.close()
  })
  test('--save keeps the sender domain of the run, also when its returns cannot be told', async () => {
    await using place = await makeSite()
    await using _catcher = await serve(place)
    using opened = new DisposableStack()
    const store = opened.adopt(openCatchStore(place.state), (each) => each.close())
    let isPurging = false
    const banner = (): string => {
      if (isPurging) store.purge(Date.now() + 7 * 86_400_000)
      return '220 mail.inst.example ESMTP'
    }
    await using server = await startScriptedServer(examinedServer({ banner }))
    await pforte(['domain', 'add', site.domain, '--to', '192.0.2.7', ...place.config])
    const examine = async (): Promise<Ran> =>
      await pforte([
        'check',
        '127.0.0.1',
        '--port',
        String(server.port),
        '--domain',
        site.domain,
        '--only',
        'banner-220',
        '--catcher',
        '--save',
        ...place.config,
      ])
    assert.equal((await examine()).code, 0)
    const profile = async (): Promise<SavedProfile | null> =>
      await loadProfile(place.state, site.domain)
    const first = await profile()
    assert.equal(first?.asked?.senderDomain, 'probe.example.org')
    isPurging = true
    const second = await examine()
    assert.match(second.stderr, /has gone from the store of the catcher/)
    assert.ok(((await profile())?.measuredAtMs ?? 0) > first.measuredAtMs)
  })
  for (const [name, args, message] of [
    ['a wait for nothing', ['--wait', '10s'], /--wait needs --catcher/],
    [
      'two sender domains',
      ['--catcher', '--sender-domain', 'x.example'],
      /leave out --sender-domain/,
    ],
    ['not a duration', ['--catcher', '--wait', 'long'], /--wait: 'long'/],
  ] as const) {
    test(`3: ${name}`, async () => {
      const { code, stderr } = await pforte(['check', 'x.example', ...args])
      assert.equal(code, 3)
      assert.match(stderr, message)
    })
  }
})
