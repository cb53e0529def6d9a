import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runCommand, type CommandIo } from '#app/command.ts'
import { loadConfig } from '#config/load-config.ts'
import { configCommand } from './config.ts'

const folder = mkdtempSync(join(tmpdir(), 'pforte-config-command-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'pforte.yaml')

async function run(
  args: readonly string[],
  environment: CommandIo['environment'] = {},
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const written = { stdout: '', stderr: '' }
  const io: CommandIo = {
    stdout: (text) => (written.stdout += text),
    stderr: (text) => (written.stderr += text),
    environment: { PFORTE_CONFIG: file, ...environment },
    isTerminal: false,
    signal: new AbortController().signal,
  }
  return { code: await runCommand('config', configCommand, args, io), ...written }
}

const text = `hostname: relay.example.org
listen: [{ address: "::1", port: 0 }]
state: var
tls: { certificates: [{ certificate: "a: #b.pem", key: k.pem }] }
limits:
  maxHops: 60
`

test('shows each value with where it came from', async () => {
  writeFileSync(file, text)
  const { code, stdout, stderr } = await run([], { PFORTE_LOG_FORMAT: 'json' })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  assert.match(stdout, /^hostname: relay.example.org {2,}# line 1$/m)
  assert.match(stdout, /^ {2}maxHops: 60 {2,}# line 6$/m)
  assert.match(stdout, /^ {2}maxMessage: 50MiB {2,}# default: what the institutes are asked/m)
  assert.match(stdout, /^ {2}format: json {2,}# environment PFORTE_LOG_FORMAT$/m)
  assert.match(stdout, /^metrics:\n {2}listen:\n {4}address: 127.0.0.1 /m)
})

test('what it shows is itself a configuration, and the same one', async () => {
  for (const added of ['', 'metrics: { listen: null }\n']) {
    writeFileSync(file, text + added)
    const original = loadConfig({ file, environment: {} })
    const shown = join(folder, 'shown.yaml')
    writeFileSync(shown, (await run([])).stdout)
    const again = loadConfig({ file: shown, environment: {} })
    assert.ok(original.ok && again.ok)
    assert.deepEqual(again.value.config, original.value.config)
    assert.ok(Object.values(again.value.origins).every(({ kind }) => kind === 'file'))
  }
})

test('--json gives value and origin by key', async () => {
  writeFileSync(file, text)
  const shown: unknown = JSON.parse((await run(['--json', '--config', file])).stdout)
  assert.partialDeepStrictEqual(shown, {
    file,
    values: {
      state: { value: join(folder, 'var'), origin: { kind: 'file', file, line: 3 } },
      'limits.maxHops': { value: 60, origin: { kind: 'file', file, line: 6 } },
      'limits.drainTimeout': { value: '30s', origin: { kind: 'default' } },
    },
  })
})

test('check says ok, or every problem with exit code 2', async () => {
  writeFileSync(file, text)
  assert.deepEqual(await run(['check']), { code: 0, stdout: `${file}: ok\n`, stderr: '' })
  writeFileSync(file, `${text}  maxHop: 1\n`)
  assert.deepEqual(await run(['check']), {
    code: 2,
    stdout: '',
    stderr:
      'pforte config check: the configuration cannot be used\n' +
      `${file}:7:3: unknown key limits.maxHop; did you mean maxHops?\n`,
  })
})

test('schema and reference need no configuration file', async () => {
  const nowhere = { PFORTE_CONFIG: join(folder, 'none.yaml') }
  const schema: unknown = JSON.parse((await run(['schema'], nowhere)).stdout)
  assert.partialDeepStrictEqual(schema, { required: ['hostname', 'listen', 'state'] })
  assert.match((await run(['reference'], nowhere)).stdout, /^# Configuration\n/)
})

test('what it does not know is wrong usage', async () => {
  assert.match((await run(['chekc'])).stderr, /unknown command 'chekc'; did you mean check\?/)
  assert.match((await run(['--jsn'])).stderr, /unknown option '--jsn'; did you mean --json\?/)
  assert.equal((await run(['schema', 'more'])).code, 2)
})
