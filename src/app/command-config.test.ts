import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { CommandError, type CommandIo } from './command.ts'
import { configFile, loadCommandConfig } from './command-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'pforte-command-config-'))
after(() => rmSync(folder, { recursive: true }))

test('the option goes before the environment, and that before the default', () => {
  const environment = { PFORTE_CONFIG: '/from/environment.yaml' }
  assert.equal(configFile('/from/option.yaml', environment), '/from/option.yaml')
  assert.equal(configFile('relative.yaml', environment), resolve('relative.yaml'))
  assert.equal(configFile(undefined, environment), '/from/environment.yaml')
  assert.equal(configFile(undefined, { PFORTE_CONFIG: '' }), '/etc/pforte/pforte.yaml')
  assert.equal(configFile(undefined, {}), '/etc/pforte/pforte.yaml')
})

test('a bad configuration is one failure with every problem and exit code 2', async () => {
  const file = join(folder, 'bad.yaml')
  writeFileSync(file, 'hostname: relay.example\nlisten: []\nstat: x\n')
  const io: CommandIo = {
    stdout: () => assert.fail('wrote'),
    stderr: () => assert.fail('wrote'),
    environment: { PFORTE_CONFIG: file, PFORTE_STATE: folder },
    isTerminal: false,
    signal: new AbortController().signal,
  }
  await assert.rejects(loadCommandConfig(undefined, io), (error) => {
    assert.ok(error instanceof CommandError)
    assert.equal(error.exitCode, 2)
    assert.deepEqual(error.message.split('\n'), [
      'the configuration cannot be used',
      `${file}:2:9: listen: needs at least one address and port, or no mail can come in`,
      `${file}:3:1: unknown key stat; did you mean state?`,
    ])
    return true
  })
})
