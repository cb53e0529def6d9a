// Software that throws mail out once and never again, against greylisting; and everything that must not
// happen to mail servers because of it.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, impatient, openSession, sendMail, until } from '../e2e/support/mail.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { answerTo, changeRules, startRuled, type RuledRelay } from './support/ruled-relay.ts'

/** The shortest there is. */
const delayMs = 1000
const greylisting = { mode: 'defer', delay: '1s', allowAfter: 0 }
const policy = { greylisting }

let ruled: RuledRelay
before(async () => {
  ruled = await startRuled({}, policy)
})
beforeEach(() => {
  ruled.institute.clear()
})
after(() => ruled[Symbol.asyncDispose]())

const greylisted = /^451 4\.7\.1 .*greylisted; please send it again after \d+ seconds/

async function waitItOut(): Promise<void> {
  await sleep(delayMs + 20)
}

test('the first attempt waits and the institute hears nothing; the retry is relayed', async () => {
  const mail = { to: 'first@inst.example' }
  assert.match(await answerTo(ruled, '127.3.1.1', mail), greylisted)
  assert.match(await answerTo(ruled, '127.3.1.1', mail), greylisted) // too soon
  assert.deepEqual(
    ruled.institute.commandTexts.filter((text) => text.startsWith('RCPT')),
    [],
  )
  await waitItOut()
  assert.match(await answerTo(ruled, '127.3.1.1', mail), /^250 /)
  assert.match(await answerTo(ruled, '127.3.1.1', mail), /^250 /) // known from now on
  assert.equal(ruled.institute.mails.length, 2)
  const passed = await ruled.relay.waitForEvent(({ event }) => event === 'greylist-passed')
  assert.equal(passed['clientAddress'], '127.3.1.1')
})

test('a retry from a neighbour is the same attempt, from another network a new one', async () => {
  const mail = { to: 'neighbour@inst.example' }
  assert.match(await answerTo(ruled, '127.3.2.1', mail), greylisted)
  await waitItOut()
  assert.match(await answerTo(ruled, '127.3.3.1', mail), greylisted)
  assert.match(await answerTo(ruled, '127.3.2.200', mail), /^250 /)
})

test('the null reverse-path waits like any other, and its notice arrives', async () => {
  const mail = { from: '', to: 'bounce@inst.example' }
  assert.match(await answerTo(ruled, '127.3.4.1', mail), greylisted)
  await waitItOut()
  assert.match(await answerTo(ruled, '127.3.4.1', mail), /^250 /)
})

test('postmaster does not wait', async () => {
  const mail = { to: 'postmaster@inst.example' }
  assert.match(await answerTo(ruled, '127.3.5.1', mail), /^250 /)
})

test('a pipelined group waits recipient by recipient, each for one attempt', async () => {
  await using client = await openSession(ruled.relay, { localAddress: '127.3.6.1' })
  const send = async (wanted: RegExp): Promise<void> => {
    const recipients = ['g1', 'g2', 'g3'].map((local) => `RCPT TO:<${local}@inst.example>\r\n`)
    await client.send(`MAIL FROM:<s@sender.example>\r\n${recipients.join('')}`)
    await client.expect(250)
    for (const _ of recipients) await client.expect(wanted)
    await client.command('RSET', 250)
  }
  const passed = (): number =>
    ruled.relay.events('greylist-passed').filter((event) => event['clientAddress'] === '127.3.6.1')
      .length
  await send(greylisted)
  await waitItOut()
  await send(/^250 /)
  await until(() => passed() === 3)
})

test('five hundred made-up recipients: all wait, none is asked for, others are served', async () => {
  await using client = await openSession(ruled.relay, { localAddress: '127.3.7.1' })
  for (let round = 0; round < 5; round += 1) {
    const recipients = Array.from(
      { length: 100 },
      (_, index) => `RCPT TO:<u${round}-${index}@inst.example>\r\n`,
    )
    await client.send(`MAIL FROM:<s@sender.example>\r\n${recipients.join('')}RSET\r\n`)
    await client.expect(250)
    for (const _ of recipients) await client.expect(451)
    await client.expect(250)
  }
  assert.deepEqual(
    ruled.institute.commandTexts.filter((text) => text.startsWith('RCPT')),
    [],
  )
  const mail = { to: 'postmaster@inst.example' }
  assert.match(await answerTo(ruled, '127.3.8.1', mail), /^250 /)
})

test('a network that came back often enough need not any more', async () => {
  await changeRules(ruled, { greylisting: { ...greylisting, allowAfter: 2 } })
  await using client = await openSession(ruled.relay, { localAddress: '127.3.9.1' })
  const to = ['n1@inst.example', 'n2@inst.example']
  const waiting = await sendMail(client, { to })
  for (const reply of waiting.recipients) assert.match(reply, greylisted)
  await waitItOut()
  assert.match((await sendMail(client, { to })).final ?? '', /^250 /)
  assert.match(
    await answerTo(ruled, '127.3.9.77', { from: 'x@y.example', to: 'n3@inst.example' }),
    /^250 /,
  )
  assert.match(await answerTo(ruled, '127.3.10.1', { to: 'n3@inst.example' }), greylisted)
})

test('exceptions: a sender domain, a recipient domain', async () => {
  const file = path.join(ruled.relay.folder, 'exceptions')
  await writeFile(file, 'sender big.example greylisting\nrecipient open.example\n')
  await changeRules(ruled, { ...policy, exceptions: file })
  const sent = async (from: string, to: string): Promise<string> =>
    await answerTo(ruled, '127.3.11.1', { from, to })
  assert.match(await sent('s@mail.big.example', 'a@inst.example'), /^250 /)
  assert.match(await sent('s@small.example', 'a@open.example'), /^250 /)
  assert.match(await sent('s@small.example', 'a@inst.example'), greylisted)
})

test('observed greylisting refuses nobody, and learns', async () => {
  await changeRules(ruled, { greylisting: { ...greylisting, mode: 'observe' } })
  const mail = { to: 'observed@inst.example' }
  assert.match(await answerTo(ruled, '127.3.12.1', mail), /^250 /)
  const event = await ruled.relay.waitForEvent(
    ({ event: kind, rule, clientAddress }) =>
      kind === 'rule-observed' && rule === 'greylisting' && clientAddress === '127.3.12.1',
  )
  assert.equal(event['reason'], 'greylisted')
  await changeRules(ruled, policy)
  await waitItOut()
  assert.match(await answerTo(ruled, '127.3.12.1', mail), /^250 /)
})

test('what is known survives kill -9; a store that is destroyed refuses nobody', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'pforte-test-'))
  const institute = await startInstituteServer({ mailboxes: 'all' })
  const start = (): Promise<TestRelay> =>
    startRelay({
      folder,
      domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
      config: { ...impatient, policy },
    })
  const mail = { to: 'restart@inst.example' }
  try {
    {
      await using first = await start()
      assert.match(await answerTo({ relay: first }, '127.3.13.1', mail), greylisted)
      await sleep(700) // written by then
    }
    await waitItOut()
    {
      await using second = await start()
      assert.match(await answerTo({ relay: second }, '127.3.13.1', mail), /^250 /)
      assert.match(await answerTo({ relay: second }, '127.3.14.1', mail), greylisted)
    }

    for (const suffix of ['-wal', '-shm']) {
      await rm(path.join(folder, 'state', `greylist.db${suffix}`), { force: true })
    }
    await writeFile(path.join(folder, 'state', 'greylist.db'), 'no database, '.repeat(1000))
    await using third = await start()
    assert.match(await answerTo({ relay: third }, '127.3.15.1', mail), /^250 /)
    await third.waitForEvent(({ event }) => event === 'mail-finished') // the last line
    assert.equal(third.events('greylist-failed').length, 1)
    assert.equal(institute.mails.length, 2)
  } finally {
    await institute.close()
    await rm(folder, { recursive: true, force: true })
  }
})
