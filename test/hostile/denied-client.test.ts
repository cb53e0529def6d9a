// Networks the operator has denied, in the configuration and in a file that changes while the relay runs.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts'
import { greet, sendFrom, startSite, type GreetingSite } from './support/greeting.ts'

let folder: TemporaryFolder
let file: string
let site: GreetingSite

before(async () => {
  folder = await temporaryFolder()
  file = path.join(folder.path, 'networks')
  writeFileSync(file, '127.0.10.0/24 deny # since May\n127.0.10.8/29 allow\n')
  site = await startSite({
    exempt: ['127.0.11.0/24'],
    access: { deny: ['127.0.9.0/24', '127.0.11.66'], allow: ['127.0.9.9'], file },
    // Who is allowed or exempt is not tested; whoever else is would wait longer than these tests.
    pregreet: { mode: 'enforce', delay: '1min' },
  })
})
after(async () => {
  await site[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

for (const [name, address] of [
  ['of a denied network', '127.0.9.1'],
  ['of a network denied by the file', '127.0.10.1'],
  ['denied inside an exempt network', '127.0.11.66'],
] as const) {
  test(`a client ${name}: 521 at once, no session`, async () => {
    await using client = await greet(site.relay, address)
    assert.equal(
      client.banner,
      `521 5.7.1 mailrelay1.example.org does not accept mail from [${address}]`,
    )
    await client.client.closed()
    const opened = site.relay.events('session-opened').map((event) => event['clientAddress'])
    assert.equal(opened.includes(address), false)
  })
}

for (const [name, address] of [
  ['allowed inside a denied network', '127.0.9.9'],
  ['allowed by the file', '127.0.10.9'],
  ['of an exempt network', '127.0.11.1'],
] as const) {
  test(`a client ${name}: served at once`, async () => {
    assert.match((await sendFrom(site.relay, address)).final ?? '', /^250 /)
  })
}

test('`pforte explain` says so beforehand', async () => {
  const explain = async (client: string): Promise<readonly [number | null, string]> => {
    const words = ['--client', client, '--from', 's@sender.example', '--to', 'a@inst.example']
    const { exitCode, stdout } = await site.relay.pforte('explain', ...words)
    return [exitCode, stdout]
  }
  const [deniedCode, denied] = await explain('127.0.9.1')
  assert.equal(deniedCode, 1)
  assert.match(denied, /^greeting +denied by 127\.0\.9\.0\/24: 521 5\.7\.1 /m)
  assert.match(denied, /^answer +521 5\.7\.1 .* does not accept mail from \[127\.0\.9\.1\]$/m)
  const [allowedCode, allowed] = await explain('127.0.10.9')
  assert.equal(allowedCode, 0)
  assert.match(allowed, /^greeting +allowed by 127\.0\.10\.8\/29: no tests$/m)
})

test('a file that is broken while the relay runs changes nothing, a good one is in force', async () => {
  writeFileSync(file, '127.0.10.0/24 deny\n127.0.10.0/99 allow\n')
  site.relay.signal('SIGHUP')
  const failed = await site.relay.waitForEvent(({ event }) => event === 'access-file-failed')
  assert.match(String(failed['detail']), /^line 2: /)
  await using still = await greet(site.relay, '127.0.10.9')
  assert.match(still.banner, /^220 /)
  await using denied = await greet(site.relay, '127.0.10.1')
  assert.match(denied.banner, /^521 /)
  writeFileSync(file, '127.0.10.9 deny\n127.0.10.0/24 allow\n')
  // Nobody tells the relay: it looks itself.
  await site.relay.waitForEvent(
    (event) =>
      event['event'] === 'access-file-read' && event['entryCount'] === 2 && isSecond(event),
    8000,
  )
  await using now = await greet(site.relay, '127.0.10.9')
  assert.match(now.banner, /^521 /)
  await using letIn = await greet(site.relay, '127.0.10.1')
  assert.match(letIn.banner, /^220 /)
})

function isSecond(event: Readonly<Record<string, unknown>>): boolean {
  const all = site.relay.events('access-file-read')
  return all.length > 1 && event['time'] === all.at(-1)?.['time']
}

test('a relay whose file of networks cannot be read does not start, and says why', async () => {
  const started = startSite({ access: { file: path.join(folder.path, 'nowhere') } })
  await assert.rejects(started, /greeting\.access\.file cannot be used: .*nowhere: ENOENT/)
})
