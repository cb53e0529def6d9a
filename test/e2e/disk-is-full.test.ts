// The folder of temporary files is on a disk that is full: 452 4.3.1 for large mails, the session lives,
// small mails pass.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { startRelay } from '../support/relay.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { endpointOf, openSession, sendMail, until } from './support/mail.ts'

const run = promisify(execFile)

async function whyNot(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'only root can mount a small file system'
  await using folder = await temporaryFolder()
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder.path])
    await run('umount', [folder.path])
    return false
  } catch (error) {
    return `no file system can be mounted here: ${String(error).split('\n')[0] ?? ''}`
  }
}

test('the disk for large content is full', { skip: await whyNot() }, async () => {
  await using folder = await temporaryFolder()
  const incoming = path.join(folder.path, 'spool', 'incoming')
  await mkdir(incoming, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', incoming])
  try {
    await using institute = await startInstituteServer()
    await using relay = await startRelay({
      domains: [],
      config: { state: folder.path, limits: { maxContentInMemory: '16KiB' } },
    })
    const added = await relay.pforte('domain', 'add', 'inst.example', '--to', endpointOf(institute))
    assert.equal(added.exitCode, 0, added.stderr)
    await new Promise((resolve) => setTimeout(resolve, 1000))

    await using client = await openSession(relay)
    const large = `Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(30_000)}`
    const refused = await sendMail(client, { to: 'a@inst.example', content: large })
    assert.match(refused.final ?? '', /^452 4\.3\.1 /)
    assert.equal(institute.mails.length, 0)
    await until(async () => (await readdir(incoming)).length === 0)

    const fits = `Subject: fits\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(3000)}`
    const taken = await sendMail(client, { to: 'a@inst.example', content: fits })
    assert.match(taken.final ?? '', /^250 /)
    assert.match((await sendMail(client, { to: 'a@inst.example' })).final ?? '', /^250 /)
    assert.equal(institute.mails.length, 2)
    assert.equal(institute.mails[0]?.wire?.toString().endsWith(`${fits}.\r\n`), true)
    await until(async () => (await readdir(incoming)).length === 0)
  } finally {
    await run('umount', ['-l', incoming])
  }
})
