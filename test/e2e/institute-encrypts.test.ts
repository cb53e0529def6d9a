// TLS to the institutes: used where offered, required where configured, never pretended.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { createAuthority, isOpensslAvailable, type TestAuthority } from '../support/certificates.ts'
import { startDnsServer, type DnsServer } from '../support/dns-server.ts'
import {
  startTlsInjection,
  startTlsUnavailable,
  tlsGarbage,
  tlsSilence,
} from '../support/hostile-behaviours.ts'
import { startScriptedServer, type Script, type ScriptedServer } from '../support/hostile-server.ts'
import { startRelay, type RelayDomain, type TestRelay } from '../support/relay.ts'
import { impatient, sendOneMail } from './support/mail.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('TLS to the institutes', { skip }, async (t) => {
  let authority: TestAuthority | undefined
  let stranger: TestAuthority | undefined
  let dns: DnsServer | undefined
  let relay: TestRelay | undefined
  const institutes = new Map<string, InstituteServer>()
  const hostiles = new Map<string, ScriptedServer>()

  before(async () => {
    authority = await createAuthority()
    stranger = await createAuthority()
    const good = await authority.issue({ names: ['mail.inst.example'] })
    const other = await authority.issue({ names: ['other.example'] })
    const untrusted = await stranger.issue({ names: ['mail.inst.example'] })
    dns = await startDnsServer({ 'mail.inst.example': { a: ['127.0.0.1'] } })
    institutes.set('good', await startInstituteServer({ tls: good }))
    institutes.set('wrong-name', await startInstituteServer({ tls: other }))
    institutes.set('untrusted', await startInstituteServer({ tls: untrusted }))
    institutes.set('clear', await startInstituteServer())
    const scripts: Readonly<Record<string, Script>> = {
      garbage: tlsGarbage(),
      silence: tlsSilence(),
      unavailable: startTlsUnavailable(),
      injection: startTlsInjection(good),
    }
    for (const [name, script] of Object.entries(scripts)) {
      hostiles.set(name, await startScriptedServer(script))
    }
    const domains: RelayDomain[] = []
    for (const [name, server] of [...institutes, ...hostiles]) {
      const to = `mail.inst.example:${server.port}`
      for (const tls of ['opportunistic', 'verify', 'none'] as const) {
        domains.push({ domain: `${name}.${tls}.example`, to, tls })
      }
    }
    relay = await startRelay({
      domains,
      config: {
        ...impatient,
        handover: {
          ...impatient.handover,
          commandTimeout: '500ms',
          finalTimeout: '5s',
          maxMailsPerConnection: 1, // so that sessions are resumed
        },
        dns: { servers: [dns.address], timeout: '500ms', attempts: 1 },
        tls: { ca: authority.ca.certificatePath },
      },
    })
  })
  after(async () => {
    await relay?.[Symbol.asyncDispose]()
    for (const server of [...institutes.values(), ...hostiles.values()]) await server.close()
    await dns?.close()
    await authority?.[Symbol.asyncDispose]()
    await stranger?.[Symbol.asyncDispose]()
  })

  async function send(name: string, tls: string): Promise<string> {
    assert.ok(relay !== undefined)
    const sent = await sendOneMail(relay, { to: `x@${name}.${tls}.example` })
    return sent.final ?? sent.recipients[0] ?? ''
  }
  const mailsOf = (name: string) => institutes.get(name)?.mails ?? []
  const contentsOf = (name: string): readonly Buffer[] =>
    hostiles.get(name)?.connections.flatMap(({ contents }) => contents) ?? []

  for (const name of ['good', 'wrong-name', 'untrusted']) {
    await t.test(`opportunistic: encrypted to a server with a certificate (${name})`, async () => {
      assert.match(await send(name, 'opportunistic'), /^250 /)
      assert.match(mailsOf(name).at(-1)?.tls?.protocol ?? '', /^TLSv1\.[23]$/)
    })
  }

  await t.test('opportunistic: in clear where it is not offered', async () => {
    assert.match(await send('clear', 'opportunistic'), /^250 /)
    assert.equal(mailsOf('clear').at(-1)?.tls, null)
  })

  await t.test('none: in clear even where it is offered', async () => {
    const count = mailsOf('good').length
    assert.match(await send('good', 'none'), /^250 /)
    assert.equal(mailsOf('good').length, count + 1)
    assert.equal(mailsOf('good').at(-1)?.tls, null)
  })

  await t.test('verify: the right name of a trusted authority', async () => {
    for (const _round of [1, 2]) {
      const count = mailsOf('good').length
      assert.match(await send('good', 'verify'), /^250 /)
      assert.equal(mailsOf('good').length, count + 1)
      assert.match(mailsOf('good').at(-1)?.tls?.protocol ?? '', /^TLSv1\.[23]$/)
    }
    // A resumed session shows no certificate, and is trusted for the handshake it comes from.
    assert.equal(mailsOf('good').at(-1)?.tls?.isResumed, true)
  })

  for (const name of ['wrong-name', 'untrusted', 'clear', 'garbage', 'silence', 'unavailable']) {
    await t.test(`verify: 451 and no mail (${name})`, async () => {
      const count = mailsOf(name).length
      // Again and again: a session ticket of a failed attempt must not open the door.
      for (const _round of [1, 2, 3]) {
        assert.match(
          await send(name, 'verify'),
          /^451 4\.4\.1 .*mail\.inst\.example does not answer/,
        )
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      assert.equal(mailsOf(name).length, count)
      assert.equal(contentsOf(name).length, 0)
    })
  }

  for (const name of ['garbage', 'silence', 'unavailable']) {
    await t.test(`opportunistic: a failing handshake falls back to clear (${name})`, async () => {
      assert.match(await send(name, 'opportunistic'), /^250 /)
      assert.equal(contentsOf(name).length, 1)
    })
  }

  await t.test('plaintext behind the reply to STARTTLS is not believed', async () => {
    assert.match(await send('injection', 'verify'), /^451 4\.4\.1 /)
    assert.match(await send('injection', 'opportunistic'), /^451 4\.4\.1 /)
    assert.equal(contentsOf('injection').length, 0)
  })

  await t.test('the log says how trusted the connection was', async () => {
    const tlsOf = (to: string): unknown[] =>
      (relay?.events('mail-finished') ?? [])
        .filter((event) => JSON.stringify(event['recipients']) === JSON.stringify([to]))
        .flatMap((event) => event['transfers'] as { tls: string | null }[])
        .map(({ tls }) => tls)
    assert.match(String(tlsOf('x@good.verify.example').at(-1)), / verified$/)
    const wrongName = String(tlsOf('x@wrong-name.opportunistic.example').at(-1))
    assert.match(wrongName, / unverified \(it is not for mail\.inst\.example, but for DNS:other/)
    const untrusted = String(tlsOf('x@untrusted.opportunistic.example').at(-1))
    assert.match(untrusted, / unverified \(its authority is not among the trusted ones/)
  })
})
