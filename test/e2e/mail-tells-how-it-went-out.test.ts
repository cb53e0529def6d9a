// In front of each mail stands how it was handed over: policy, TLS, and what is known of the server. The same for mail
// that comes in chunks, from a file or out of the spool; and a stranger's words in a certificate stay words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { createAuthority, isOpensslAvailable } from '../support/certificates.ts'
import { splitTrace, type TracedMail } from '../support/trace-fields.ts'
import { startTlsSite, withCertificate, type Policy } from '../hostile/support/tls-site.ts'
import { openSession, plainContent } from './support/mail.ts'
import { makeKnown, quick, untilDelivered } from './support/outage.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

function lastMail(institute: InstituteServer): TracedMail & { readonly isSizeRight: boolean } {
  const mail = institute.mails.at(-1)
  const wire = mail?.wire?.toString('latin1') ?? ''
  const size = Number(/SIZE=(\d+)/.exec(mail?.mailParameters ?? '')?.[1])
  return { ...splitTrace(wire), isSizeRight: size === wire.length }
}

function wayOutOf(institute: InstituteServer): string {
  const { wayOut, received, isSizeRight } = lastMail(institute)
  assert.match(wayOut, /^Pforte-TLS: mailrelay1\.example\.org;\r\n/)
  assert.match(received, /^Received: from client\.example /)
  assert.ok(isSizeRight, 'SIZE is another one than that of the mail')
  return wayOut.replaceAll(/\r\n\t/g, ' ').trimEnd()
}

test('how a mail went out', { skip }, async (t) => {
  await using stack = new AsyncDisposableStack()
  const authority = stack.use(await createAuthority())
  const good = stack.use(await withCertificate(authority, { names: ['mail.inst.example'] }))
  const evil = stack.use(
    await withCertificate(authority, { names: ['x;y=z.example', 'result=verified.example'] }),
  )
  const clear = stack.use(await startInstituteServer({ mailboxes: ['x@clear.example'] }))
  const verify: Policy = { tls: 'verify' }
  const site = stack.use(
    await startTlsSite(
      authority,
      {
        good: { port: good.port, ...verify },
        evil: { port: evil.port, tls: 'opportunistic' },
        clear: { port: clear.port, tls: 'opportunistic' },
        none: { port: good.port, tls: 'none' },
      },
      {},
      { ...quick, limits: { maxContentInMemory: '64KiB' } },
    ),
  )
  const { relay, send } = site
  const verified = /policy=verify; result=verified; protocol=TLSv1\.3; cipher=TLS_[A-Z0-9_]+$/

  await t.test('verified', async () => {
    for (const _again of [1, 2]) {
      assert.match(await send('good'), /^250 /)
      assert.match(wayOutOf(good), verified)
    }
    assert.equal(lastMail(good).rest, `${plainContent}.\r\n`)
    assert.match(wayOutOf(good), /server=mail\.inst\.example;/)
  })

  await t.test('not verified, and why, in harmless letters', async () => {
    assert.match(await send('evil'), /^250 /)
    const reason = 'it is not for mail.inst.example, but for DNS:x?y=z.example, DNS:result=verified'
    const field = wayOutOf(evil)
    assert.ok(field.includes(`; reason="${reason}.example"`), field)
    assert.match(field, /policy=opportunistic; result=unverified; /)
  })

  await t.test('in clear', async () => {
    assert.match(await send('clear'), /^250 /)
    assert.match(
      wayOutOf(clear),
      /policy=opportunistic; result=clear; reason="STARTTLS is not offered"$/,
    )
    assert.match(await send('none'), /^250 /)
    assert.match(wayOutOf(good), /policy=none; result=clear$/)
  })

  await t.test('in chunks, and larger than what is kept in memory', async () => {
    await using client = await openSession(relay)
    await client.command('MAIL FROM:<s@sender.example>', 250)
    await client.command('RCPT TO:<x@good.example>', 250)
    const content = `Subject: chunks\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(4000)
    await client.send(`BDAT ${content.length} LAST\r\n${content}`)
    await client.expect(/^250 /)
    assert.match(wayOutOf(good), verified)
    assert.equal(lastMail(good).rest, `${content}.\r\n`)
  })

  await t.test('a field of that name from outside stays below', async () => {
    await using client = await openSession(relay)
    await client.command('MAIL FROM:<s@sender.example>', 250)
    await client.command('RCPT TO:<x@clear.example>', 250)
    await client.command('DATA', 354)
    const forged = 'Pforte-TLS: mailrelay1.example.org; policy=pin; result=pinned\r\n\r\n.\r\n'
    await client.send(forged)
    await client.expect(/^250 /)
    assert.match(wayOutOf(clear), /result=clear/)
    assert.equal(lastMail(clear).rest, forged)
  })

  await t.test('out of the spool: as of the hand-over, once', async () => {
    await makeKnown(relay, ['x@clear.example'])
    clear.setScript({ stageReplies: { final: '452 4.3.1 Disk full' } })
    assert.match(await send('clear'), /^250 .*taken over/)
    const count = clear.mails.length
    clear.setScript({ stageReplies: {} })
    await untilDelivered(relay)
    assert.equal(clear.mails.length, count + 1)
    assert.match(wayOutOf(clear), /policy=opportunistic; result=clear; /)
    assert.equal(lastMail(clear).rest, `${plainContent}.\r\n`)
  })
})
