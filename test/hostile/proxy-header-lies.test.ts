// A port for proxies, and those who would like to be somebody else: whoever is no proxy gets no word, a header
// that is not right in every byte ends the connection, and the next client of the proxy is served.

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import { startRelay } from '../support/relay.ts'
import { endpointOf, impatient, sendMail, until } from '../e2e/support/mail.ts'

const v1 = 'PROXY TCP4 203.0.113.9 192.0.2.1 40112 25\r\n'
const signature = '\r\n\r\n\0\r\nQUIT\n'

function v2(family: number, payload: readonly number[], length: number = payload.length): Buffer {
  const fixed = Buffer.from([0x21, family, length >> 8, length & 255])
  return Buffer.concat([Buffer.from(signature, 'latin1'), fixed, Buffer.from(payload)])
}
const ipv4 = [203, 0, 113, 10, 192, 0, 2, 1, 0x9c, 0xb0, 0, 25]

test('PROXY headers', async (t) => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: {
      ...impatient,
      listen: [
        { address: '127.0.0.1', port: 0, proxy: ['127.0.0.8/29'] },
        { address: '127.0.0.1', port: 0 },
      ],
    },
  })
  const ports = relay.events('listening').filter((event) => event['service'] === 'smtp')
  const [proxied = 0, plain = 0] = ports.map((event) => Number(event['listenerPort']))
  const proxy = { port: proxied, localAddress: '127.0.0.9' }
  /** Of sessions, each once: the only ones that may be there are those of headers that are right. */
  const clients = (): readonly string[] => [
    ...new Set(relay.events('session-opened').map((event) => String(event['clientAddress']))),
  ]
  const rightOnes = ['203.0.113.9', '203.0.113.10', '127.0.0.9']
  const refusedCount = (reason: string): number =>
    relay.events('session-refused').filter((event) => event['reason'] === reason).length

  async function mailFrom(header: string | Buffer): Promise<string> {
    await using client = await connectRaw(proxy)
    await client.sendBytes(Buffer.from(header))
    return await deliver(client)
  }
  /** The client's address in the trace field. */
  async function deliver(client: RawClient): Promise<string> {
    await client.expect(220)
    await client.command('EHLO client.example', 250)
    assert.match((await sendMail(client, { to: 'a@inst.example' })).final ?? '', /^250 /)
    return (
      /^Received: from client\.example \(\[([^\]]*)\]\)/m.exec(
        institute.mails.at(-1)?.headerText ?? '',
      )?.[1] ?? ''
    )
  }

  await t.test('the client of the header is the client everywhere', async () => {
    assert.equal(await mailFrom(v1), '203.0.113.9')
    assert.equal(await mailFrom(v2(0x11, ipv4)), '203.0.113.10')
    await relay.waitForEvent(
      (event) => event['event'] === 'mail-finished' && event['clientAddress'] === '203.0.113.10',
    )
    assert.equal(relay.events('session-opened')[0]?.['clientPort'], 40112)
  })

  await t.test('split at every byte', async () => {
    for (const header of [Buffer.from(v1), v2(0x11, ipv4)]) {
      await using client = await connectRaw(proxy)
      for (const byte of header) {
        await client.sendBytes(Buffer.from([byte]))
        await sleep(1)
      }
      assert.match(await deliver(client), /^203\.0\.113\./)
    }
  })

  await t.test('what comes with the header is the client’s, after the banner', async () => {
    await using client = await connectRaw(proxy)
    await client.send(`${v1}EHLO client.example\r\n`)
    const banner = await client.expect(/^(?:220|554|521)/)
    if (banner.startsWith('220')) await client.expect()
  })

  await t.test('LOCAL and UNKNOWN are the proxy itself', async () => {
    const local = v2(0, [])
    local[12] = 0x20
    assert.equal(await mailFrom(local), '127.0.0.9')
    assert.equal(await mailFrom('PROXY UNKNOWN\r\n'), '127.0.0.9')
  })

  await t.test('whoever is no proxy gets no word, whatever he sends', async () => {
    const count = refusedCount('no-proxy')
    for (const bytes of [v1, 'EHLO client.example\r\n', v2(0x11, ipv4)]) {
      const client = await connectRaw({ port: proxied, localAddress: '127.0.0.1' })
      await client.sendBytes(Buffer.from(bytes)).catch(() => undefined)
      await client.closed().catch(() => undefined)
      assert.deepEqual(client.chunks(), [])
      await client[Symbol.asyncDispose]()
    }
    await until(() => refusedCount('no-proxy') === count + 3)
    assert.deepEqual(clients(), rightOnes)
  })

  const lies: Readonly<Record<string, string | Buffer>> = {
    'no header at all': 'EHLO client.example\r\n',
    'TLS instead': Buffer.from([0x16, 3, 1, 2, 0, 1]),
    'HTTP instead': 'GET / HTTP/1.1\r\n\r\n',
    'a second header for a first': `PROXY TCP4 ${v1}`,
    'a line without end': `PROXY TCP4 ${'9'.repeat(500)}`,
    'an address with a control character': 'PROXY TCP4 203.0.113.9\t 192.0.2.1 1 25\r\n',
    'a name for an address': 'PROXY TCP4 mail.inst.example 192.0.2.1 1 25\r\n',
    'a length that lies short': v2(0x11, ipv4, 4),
    'a length of 64 KiB': v2(0x11, ipv4, 65_535),
    'IPv4 said to be IPv6': v2(0x21, ipv4),
    datagrams: v2(0x12, ipv4),
    'a TLV longer than all': v2(0x11, [...ipv4, 4, 0xff, 0xff]),
    'a wrong checksum': v2(0x11, [...ipv4, 3, 0, 4, 1, 2, 3, 4]),
  }
  for (const [name, header] of Object.entries(lies)) {
    await t.test(`refused: ${name}`, async () => {
      const count = refusedCount('proxy-header')
      const client = await connectRaw(proxy)
      await client.sendBytes(Buffer.from(header))
      await client.closed().catch(() => undefined)
      assert.deepEqual(client.chunks(), [])
      await client[Symbol.asyncDispose]()
      await until(() => refusedCount('proxy-header') === count + 1)
      assert.deepEqual(clients(), rightOnes)
    })
  }

  await t.test(
    'a header that does not come ends in time, others are served meanwhile',
    async () => {
      const count = refusedCount('proxy-header')
      const silent = await Promise.all(
        Array.from({ length: 100 }, () => connectRaw({ ...proxy, deadlineMs: 20_000 })),
      )
      for (const client of silent.slice(50)) await client.send('PROXY TCP4 203.0.113.')
      assert.equal(await mailFrom(v1), '203.0.113.9')
      await until(() => refusedCount('proxy-header') === count + 100, 15_000)
      for (const client of silent) await client[Symbol.asyncDispose]()
    },
  )

  await t.test('on an ordinary port nobody is believed', async () => {
    await using client = await connectRaw({ port: plain })
    await client.expect(220)
    await client.command(v1.trimEnd(), 500)
    await client.command('EHLO client.example', 250)
    await client.command('XCLIENT ADDR=203.0.113.9 NAME=evil.example', /^50[02] /)
    await client.command('XFORWARD ADDR=203.0.113.9', /^50[02] /)
    assert.match((await sendMail(client, { to: 'a@inst.example' })).final ?? '', /^250 /)
    assert.match(
      institute.mails.at(-1)?.headerText ?? '',
      /^Received: from client\.example \(\[127\.0\.0\.1\]\)/m,
    )
  })

  await t.test('neither does the relay offer XCLIENT', async () => {
    await using client = await connectRaw({ port: plain })
    await client.expect(220)
    assert.doesNotMatch(await client.command('EHLO client.example', 250), /XCLIENT|XFORWARD/)
  })
})
