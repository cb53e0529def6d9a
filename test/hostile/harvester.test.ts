// A client that tries out addresses in one session after the other: it learns little, slowly, and then nothing; the
// institute is not asked any more.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, openSession, rcptCount, sendOneMail } from '../e2e/support/mail.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'

interface Field extends AsyncDisposable {
  readonly relay: TestRelay
  readonly institute: InstituteServer
}

async function open(guessing: object, limits: object = {}): Promise<Field> {
  const institute = await startInstituteServer({
    mailboxes: ['known@inst.example', 'new@inst.example'],
  })
  const relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { guessing, limits: { unknownRecipientDelay: '0ms', ...limits } },
  })
  return {
    relay,
    institute,
    [Symbol.asyncDispose]: async () => {
      await relay[Symbol.asyncDispose]()
      await institute.close()
    },
  }
}

/** The replies to guesses, one session for each ten. */
async function guess(
  relay: TestRelay,
  count: number,
  localAddress = '127.0.0.1',
): Promise<readonly string[]> {
  const replies: string[] = []
  for (let from = 0; from < count; from += 10) {
    await using client = await openSession(relay, { localAddress })
    await client.command('MAIL FROM:<>', 250)
    for (let index = from; index < from + 10; index += 1) {
      replies.push(await client.command(`RCPT TO:<guess${index}@inst.example>`))
    }
  }
  return replies
}

test('above the budget of its network: 451 for what exists and what does not, and no questions', async () => {
  await using field = await open({ mode: 'enforce', maxUnknown: 25 })
  const { relay, institute } = field
  await sendOneMail(relay, { to: 'known@inst.example' })
  const replies = await guess(relay, 60)
  assert.equal(replies.filter((reply) => reply.startsWith('550 5.1.1 ')).length, 26)
  assert.equal(replies.filter((reply) => reply.startsWith('451 4.7.1 ')).length, 34)
  assert.equal(rcptCount(institute, 'guess59@inst.example'), 0)
  // The same network from another address; what exists looks like what does not.
  await using client = await openSession(relay, { localAddress: '127.0.0.77' })
  await client.command('MAIL FROM:<s@sender.example>', 250)
  const existing = await client.command('RCPT TO:<new@inst.example>', /^451 4\.7\.1 /)
  const invented = await client.command('RCPT TO:<old@inst.example>', /^451 4\.7\.1 /)
  const plain = (text: string): string => text.replace(/<[^>]*>|\[[^\]]*\]/g, '')
  assert.equal(plain(existing), plain(invented))
  assert.equal(rcptCount(institute, 'new@inst.example'), 0)
  // Good mail to those who are known goes on; another network is none of this.
  const { final } = await sendOneMail(relay, { to: 'known@inst.example' })
  assert.match(final ?? '', /^250 /)
  await using other = await openSession(relay, { localAddress: '127.0.1.1' })
  await other.command('MAIL FROM:<s@sender.example>', 250)
  await other.command('RCPT TO:<new@inst.example>', 250)
  // The last line that is written: whatever was told before it is there.
  await relay.waitForEvent(
    ({ event, recipient, verdict }) =>
      event === 'recipient-judged' && recipient === 'new@inst.example' && verdict === 'accept',
  )
  assert.equal(relay.events('guessing-seen').length, 1)
})

test('observed: it is told once, and nothing else is done', async () => {
  await using field = await open({ mode: 'observe', maxUnknown: 25 })
  const replies = await guess(field.relay, 40)
  assert.ok(replies.every((reply) => reply.startsWith('550 5.1.1 ')))
  await field.relay.waitForEvent(({ event }) => event === 'guessing-seen')
  const [seen, ...more] = field.relay.events('guessing-seen')
  assert.deepEqual([seen?.['network'], seen?.['limit'], more.length], ['127.0.0.0/24', 25, 0])
})

test('questions have a budget of their own', async () => {
  await using field = await open({ mode: 'enforce', maxQuestions: 10 })
  const replies = await guess(field.relay, 20)
  assert.equal(replies.filter((reply) => reply.startsWith('550 5.1.1 ')).length, 11)
  assert.equal(replies.filter((reply) => reply.startsWith('451 4.7.1 ')).length, 9)
})

test('within a session guesses become slow, and end it', async () => {
  const limits = {
    unknownRecipientDelayAfter: 2,
    unknownRecipientDelay: '200ms',
    maxUnknownRecipients: 4,
  }
  await using field = await open({}, limits)
  await using client = await openSession(field.relay)
  await client.command('MAIL FROM:<>', 250)
  const startMs = performance.now()
  for (let index = 0; index < 4; index += 1) {
    await client.command(`RCPT TO:<guess${index}@inst.example>`, 550)
  }
  assert.ok(performance.now() - startMs > 390)
  await client.command('RCPT TO:<known@inst.example>', 250)
  await client.command('RCPT TO:<guess9@inst.example>', /^421 4\.7\.0 /)
  await client.closed()
  const { final } = await sendOneMail(field.relay, { to: 'known@inst.example' })
  assert.match(final ?? '', /^250 /)
  assert.equal(field.institute.mails.length, 1)
})
