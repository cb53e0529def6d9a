import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandIo } from './command.ts'
import { commands, runCommandLine } from './commands.ts'

async function run(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const written = { stdout: '', stderr: '' }
  const io: CommandIo = {
    stdout: (text) => (written.stdout += text),
    stderr: (text) => (written.stderr += text),
    environment: { PFORTE_CONFIG: '/nonexistent/pforte.yaml' },
    isTerminal: false,
    signal: new AbortController().signal,
  }
  const code = await runCommandLine(args, io)
  return { code, ...written }
}

test('help lists every command with its summary', async () => {
  for (const args of [['--help'], ['-h'], ['help']]) {
    const { code, stdout, stderr } = await run(...args)
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    for (const [name, { summary }] of Object.entries(commands)) {
      assert.match(stdout, new RegExp(`^  pforte ${name} +${summary}$`, 'm'))
    }
    assert.ok(stdout.split('\n').every((line) => line.length <= 80))
  }
})

test('no command at all is wrong usage, and gets the same help', async () => {
  assert.deepEqual(await run(), { code: 2, stdout: '', stderr: (await run('help')).stdout })
})

test('the version is the one of the package, with the runtime', async () => {
  for (const option of ['--version', '-V']) {
    assert.match((await run(option)).stdout, /^pforte \d+\.\d+\.\d+ \(Node\.js v\d+\.\d+\.\d+\)\n$/)
  }
})

test('help of a command and of a subcommand', async () => {
  assert.match((await run('help', 'config')).stdout, /^Usage: pforte config /)
  assert.deepEqual(await run('help', 'config', 'check'), await run('config', 'check', '--help'))
  assert.match((await run('config', 'check', '--help')).stdout, /^Usage: pforte config check /)
})

test('an unknown command gets the nearest one', async () => {
  assert.deepEqual(await run('sevre'), {
    code: 2,
    stdout: '',
    stderr: "pforte: unknown command 'sevre'; did you mean serve?\nSee: pforte --help\n",
  })
  assert.match((await run('help', 'nothing-like-it')).stderr, /known are: serve, config, domain/)
  assert.match((await run('__proto__')).stderr, /unknown command/)
  assert.match((await run('--config', 'x', 'serve')).stderr, /the command comes first/)
})

for (const [name, { summary, load }] of Object.entries(commands)) {
  test(`${name}: the table says what the command says of itself`, async () => {
    const command = await load()
    assert.equal(command.summary, summary)
    assert.match(command.usage, new RegExp(`^Usage: pforte ${name}\\b`))
    assert.ok(command.usage.endsWith('\n'))
  })
}
