import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { createAuthority, isOpensslAvailable } from '../../../test/support/certificates.ts'
import { run } from '../../../test/support/relay.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('domain add, set, show: certificates, pins, XCLIENT', { skip }, async () => {
  await using authority = await createAuthority()
  await using folder = await temporaryFolder()
  const config = path.join(folder.path, 'pforte.yaml')
  await writeFile(
    config,
    'hostname: mailrelay1.example.org\nlisten: [{ address: 127.0.0.1, port: 2525 }]\nstate: ./state\n',
  )
  const domain = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await run(['domain', ...args, '--config', config])
    return `${exitCode} ${stdout}${stderr}`
  }
  const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  const to = ['--to', '192.0.2.7']
  const own = [
    '--tls',
    'verify',
    '--tls-ca',
    authority.ca.certificatePath,
    '--tls-name',
    '.inst.example',
  ]
  assert.match(await domain('add', 'a.example', ...to, ...own, '--xclient', 'on'), /^0 added/)
  const shown = await domain('show', 'a.example')
  assert.match(shown, / tls +verify\n +certificate for +\.inst\.example\n/)
  assert.match(shown, / certificate from +CN=Pforte Test CA \(until /)
  assert.match(shown, / xclient +where the server offers it\n/)
  const exported = await domain('export')
  assert.match(exported, /tlsCa: \|\n +-----BEGIN CERTIFICATE/)
  const pinned = ['--tls', 'pin', '--tls-pin', hex, '--tls-ca', 'none', '--tls-name', 'none']
  assert.match(await domain('set', 'a.example', ...pinned, '--xclient', 'off'), /^0 changed/)
  assert.match(await domain('show', 'a.example'), / pinned key +sha256\/\/47DEQpj8HBSa\+/)
  assert.match(await domain('set', 'a.example', '--tls', 'opportunistic'), /^2 .*--tls-pin: means/s)
  assert.match(
    await domain('add', 'b.example', ...to, '--tls', 'pin'),
    /^2 .*--tls-pin: .*one pin/s,
  )
  assert.match(
    await domain('add', 'b.example', ...to, '--tls-ca', config),
    /^2 .*only with tls: verify/s,
  )
  assert.match(await domain('add', 'b.example', ...to, '--xclient', 'yes'), /^2 .*on or off/s)
  assert.match(
    await domain('add', 'b.example', ...to, '--tls', 'verify', '--tls-ca', '/nowhere'),
    /^2 .*ENOENT/s,
  )
})
