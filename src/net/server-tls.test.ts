import assert from 'node:assert/strict'
import { copyFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthority, isOpensslAvailable } from '../../test/support/certificates.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { openServerTls } from './server-tls.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('without files there is no certificate, also after a reload', async () => {
  const told: string[] = []
  const tls = await openServerTls({
    files: [],
    pollMs: 10,
    onReloaded: () => told.push('reloaded'),
    onFailed: () => told.push('failed'),
  })
  assert.equal(tls.handshake(), null)
  await tls.reload()
  await sleep(50)
  assert.equal(tls.handshake(), null)
  assert.deepEqual(told, [])
  tls.close()
})

test('files that cannot be used at the start are an error', async () => {
  await using folder = await temporaryFolder()
  const files = [{ certificate: path.join(folder.path, 'a'), key: path.join(folder.path, 'b') }]
  const options = { files, pollMs: 10, onReloaded: () => undefined, onFailed: () => undefined }
  await assert.rejects(openServerTls(options), { code: 'ENOENT' })
})

test('changed files are found; broken ones are told once, and the old stay', { skip }, async () => {
  await using authority = await createAuthority()
  await using folder = await temporaryFolder()
  const certificate = path.join(folder.path, 'relay.pem')
  const key = path.join(folder.path, 'relay.key')
  const [first, second] = await Promise.all([
    authority.issue({ names: ['a.example'] }),
    authority.issue({ names: ['b.example'] }),
  ])
  const install = async (files: typeof first): Promise<void> => {
    await copyFile(files.keyPath, key)
    await copyFile(files.certificatePath, certificate)
  }
  await install(first)
  const told: string[] = []
  const tls = await openServerTls({
    files: [{ certificate, key }],
    pollMs: 20,
    onReloaded: () => told.push('reloaded'),
    onFailed: () => told.push('failed'),
  })
  const atStart = tls.handshake()
  assert.notEqual(atStart, null)
  await sleep(80)
  assert.deepEqual(told, [])

  await writeFile(`${certificate}.new`, 'not a certificate')
  await rename(`${certificate}.new`, certificate)
  await sleep(150)
  assert.deepEqual(told, ['failed'])
  assert.equal(tls.handshake(), atStart)
  await assert.rejects(tls.reload())
  assert.equal(tls.handshake(), atStart)

  await install(second)
  await sleep(150)
  assert.equal(told.at(-1), 'reloaded')
  assert.notEqual(tls.handshake(), atStart)

  // A key of another certificate is broken as well.
  const good = tls.handshake()
  await copyFile(first.keyPath, key)
  await sleep(150)
  assert.equal(told.at(-1), 'failed')
  assert.equal(tls.handshake(), good)
  tls.close()
})
