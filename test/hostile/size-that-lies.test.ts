// SIZE (RFC 1870) is a claim: what counts is what comes.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, before, beforeEach, test } from 'node:test'
import { openSession, until } from '../e2e/support/mail.ts'
import {
  assertOnlyNextIsServed,
  bdat,
  openProtocolSite,
  type ProtocolSite,
} from './support/protocol-site.ts'

let site: ProtocolSite
before(async () => (site = await openProtocolSite({ limits: { maxMessage: '1MiB' } })))
beforeEach(() => site.institute.clear())
after(() => site[Symbol.asyncDispose]())

const large = `Subject: x\r\n\r\n${`${'x'.repeat(998)}\r\n`.repeat(2000)}`

test('less declared than sent: the limit holds all the same, with DATA and with BDAT', async () => {
  for (const declared of ['0', '1', '1000', '00000000000000000010']) {
    await using client = await openSession(site.relay)
    await client.command(`MAIL FROM:<s@sender.example> SIZE=${declared}`, 250)
    await client.command('RCPT TO:<a@inst.example>', 250)
    await client.command('DATA', 354)
    await client.send(`${large}.\r\n`)
    await client.expect(/^552 5\.3\.4 /)
    await client.command(`MAIL FROM:<s@sender.example> SIZE=${declared}`, 250)
    await client.command('RCPT TO:<a@inst.example>', 250)
    await client.send(bdat(large.slice(0, 1_400_000), 'LAST'))
    await client.expect(/^552 5\.3\.4 /)
    await client.command('NOOP', 250)
  }
  await until(async () => (await readdir(`${site.relay.folder}/state/spool/incoming`)).length === 0)
  await assertOnlyNextIsServed(site, 0)
})

test('absurd numbers open no transaction', async () => {
  await using client = await openSession(site.relay)
  for (const declared of ['99999999999999999999', '1048577', '18446744073709551616']) {
    await client.command(`MAIL FROM:<s@sender.example> SIZE=${declared}`, /^552 5\.3\.4 /)
  }
  for (const declared of ['-1', '+1', '1e3', '0x10', '', '1.5', '9'.repeat(40)]) {
    await client.command(`MAIL FROM:<s@sender.example> SIZE=${declared}`, /^501 5\.5\.4 /)
  }
  await client.command('RCPT TO:<a@inst.example>', 503)
  await assertOnlyNextIsServed(site, 0)
})

test('far more declared than sent is no harm', async () => {
  await using client = await openSession(site.relay)
  await client.command('MAIL FROM:<s@sender.example> SIZE=1000000', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.command('DATA', 354)
  await client.send('Subject: x\r\n\r\n.\r\n')
  await client.expect(/^250 /)
  assert.equal(site.institute.mails.length, 1)
  await assertOnlyNextIsServed(site, 1)
})
