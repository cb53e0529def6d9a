// Large content is in a file until the mail is decided: whatever becomes of it, nothing is left in the
// folder, and the relay gives the space back.

import assert from 'node:assert/strict'
import { readdir, readlink } from 'node:fs/promises'
import { platform } from 'node:process'
import { after, before, beforeEach, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, sendMail, sendOneMail, until } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay
const skip = platform === 'linux' ? false : 'open files are looked up in /proc'
const content = `Subject: large\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(20_000)}`

before(async () => {
  institute = await startInstituteServer({ mailboxes: 'all' })
  relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { limits: { maxMessage: '2MiB' } },
  })
})
beforeEach(() => institute.clear())
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

/** Content files the relay has open. */
async function openContentCount(): Promise<number> {
  const folder = `/proc/${relay.pid}/fd`
  const links = await Promise.all(
    (await readdir(folder)).map((name) => readlink(`${folder}/${name}`).catch(() => '')),
  )
  return links.filter((link) => link.includes('/incoming/')).length
}

async function nothingLeft(): Promise<void> {
  await until(async () => (await openContentCount()) === 0)
  await until(async () => (await readdir(`${relay.folder}/state/spool/incoming`)).length === 0)
}

test('a client that leaves within large content', { skip }, async () => {
  const client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.command('DATA', 354)
  await client.send(content)
  await until(async () => (await openContentCount()) === 1)
  assert.equal((await readdir(`${relay.folder}/state/spool/incoming`)).length, 1)
  client.reset()
  await nothingLeft()
  assert.equal(institute.mails.length, 0)
})

test(
  'content that turns out too large, and a mail after it in the same session',
  { skip },
  async () => {
    await using client = await openSession(relay)
    const tooLarge = await sendMail(client, { to: 'a@inst.example', content: content + content })
    assert.match(tooLarge.final ?? '', /^552 5\.3\.4 /)
    await nothingLeft()
    assert.equal(institute.mails.length, 0)
    const fits = await sendMail(client, { to: 'a@inst.example', content })
    assert.match(fits.final ?? '', /^250 /)
    await nothingLeft()
    assert.equal(institute.mails.length, 1)
  },
)

test('an institute that refuses the content', { skip }, async () => {
  institute.setScript({ stageReplies: { final: '554 5.7.1 Spam' } })
  const sent = await sendOneMail(relay, { to: 'a@inst.example', content })
  institute.setScript({ stageReplies: {} })
  assert.match(sent.final ?? '', /^5\d\d .*Spam/)
  await nothingLeft()
})

test('49 Received fields are no loop yet', async () => {
  const many = `${'Received: from x by y\r\n'.repeat(49)}Subject: far\r\n\r\nfar\r\n`
  const sent = await sendOneMail(relay, { to: 'a@inst.example', content: many })
  assert.match(sent.final ?? '', /^250 /)
  assert.equal(institute.mails.length, 1)
})
