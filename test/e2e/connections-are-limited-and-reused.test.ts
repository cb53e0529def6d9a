import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail, until } from './support/mail.ts'

const names = ['few', 'strict', 'chatty', 'quota', 'single'] as const
const institutes = new Map<string, InstituteServer>()
let relay: TestRelay

before(async () => {
  institutes.set('few', await startInstituteServer())
  // Takes three connections, and refuses the fourth with 421.
  institutes.set('strict', await startInstituteServer({ limits: { connections: 3 } }))
  institutes.set('chatty', await startInstituteServer())
  // Takes two mails on a connection, and then says 421 to MAIL.
  institutes.set('quota', await startInstituteServer({ limits: { mailsPerConnection: 2 } }))
  institutes.set('single', await startInstituteServer({ limits: { connections: 1 } }))
  relay = await startRelay({
    domains: names.map((name) => ({ domain: `${name}.example`, to: endpointOf(server(name)) })),
    config: {
      handover: { maxConnections: 6, maxMailsPerConnection: 5, idleClose: '1s' },
      verification: { maxConnections: 1, idleClose: '500ms', breakerRecovery: '60s' },
    },
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  for (const institute of institutes.values()) await institute.close()
})

function server(name: string): InstituteServer {
  const found = institutes.get(name)
  assert.ok(found !== undefined)
  return found
}

function isDelivery({ mailCount }: { readonly mailCount: number }): boolean {
  return mailCount > 0
}

test('no more connections than configured, however many mails at once', async () => {
  const institute = server('few')
  await sendOneMail(relay, { to: 'x@few.example' })
  institute.setScript({ delayMs: { final: 50 } })
  const sent = await Promise.all(
    Array.from({ length: 30 }, () => sendOneMail(relay, { to: 'x@few.example' })),
  )
  institute.setScript({ delayMs: {} })
  assert.ok(sent.every(({ final }) => final?.startsWith('250 ') === true))
  assert.equal(institute.mails.length, 31)
  // One is for questions, and one that has just been ended may still count.
  assert.ok(institute.counts.peak <= 8, `${institute.counts.peak} connections`)
  assert.ok(institute.counts.peak >= 4, `${institute.counts.peak} connections`)
})

test('a connection takes its share of mails, says QUIT, and another one goes on', async () => {
  const institute = server('chatty')
  for (let count = 0; count < 12; count += 1) {
    assert.match((await sendOneMail(relay, { to: 'x@chatty.example' })).final ?? '', /^250 /)
  }
  assert.equal(institute.mails.length, 12)
  const deliveries = institute.connections.filter(isDelivery)
  assert.deepEqual(
    deliveries.map(({ mailCount }) => mailCount),
    [5, 5, 2],
  )
  assert.equal(deliveries[0]?.commands.at(-1)?.text, 'QUIT')
  // Idle ones are not hoarded.
  await until(() => institute.counts.current === 0, 4000)
  assert.ok(institute.connections.every(({ commands }) => commands.at(-1)?.text === 'QUIT'))
})

test('421 after some mails on a connection: the next mail goes over a new one', async () => {
  const institute = server('quota')
  for (let count = 0; count < 6; count += 1) {
    assert.match((await sendOneMail(relay, { to: 'x@quota.example' })).final ?? '', /^250 /)
  }
  assert.equal(institute.mails.length, 6)
  assert.deepEqual(
    institute.connections.filter(isDelivery).map(({ mailCount }) => mailCount),
    [2, 2, 2],
  )
})

test('a server that takes few connections gets all mails over those', async () => {
  const institute = server('strict')
  await sendOneMail(relay, { to: 'x@strict.example' })
  institute.setScript({ delayMs: { final: 100 } })
  const sent = await Promise.all(
    Array.from({ length: 20 }, () => sendOneMail(relay, { to: 'x@strict.example' })),
  )
  institute.setScript({ delayMs: {} })
  const others = sent.map(({ final, recipients }) => final ?? recipients[0] ?? '')
  assert.deepEqual(
    others.filter((reply) => !reply.startsWith('250 ')),
    [],
  )
  assert.equal(institute.mails.length, 21)
  // It has said how many it takes: it is not asked over and over again, and it does not count as down.
  assert.ok(institute.counts.total < 25, `${institute.counts.total} connections`)
  assert.deepEqual(relay.events('next-hop-down'), [])
})

test('a server that takes one connection: the idle one for questions makes room', async () => {
  const institute = server('single')
  for (const to of ['x@single.example', 'y@single.example']) {
    assert.match((await sendOneMail(relay, { to })).final ?? '', /^250 /)
  }
  assert.equal(institute.mails.length, 2)
  assert.deepEqual(relay.events('next-hop-down'), [])
})
