// Recipients of one pipelined group are asked for before their turn. A client that sends thousands in one write must
// not make the relay ask more than it would have asked one after the other.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, openSession, sendMail } from '../e2e/support/mail.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'

interface Field extends AsyncDisposable {
  readonly relay: TestRelay
  readonly institute: InstituteServer
}

const groupCount = 3000

/** An institute that knows `known…`, and takes a while for each answer, so that much is asked ahead. */
async function open(config: object): Promise<Field> {
  await using stack = new AsyncDisposableStack()
  const institute = stack.use(
    await startInstituteServer({
      mailboxes: Array.from({ length: 300 }, (_none, index) => `known${index}@inst.example`),
    }),
  )
  const relay = stack.use(
    await startRelay({
      domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
      config: { ...config },
    }),
  )
  const rest = stack.move()
  return { relay, institute, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

const quick = { unknownRecipientDelay: '0ms' }

function groupOf(names: readonly string[]): string {
  return names.map((name) => `RCPT TO:<${name}>\r\n`).join('')
}

function guesses(count: number, mark = ''): readonly string[] {
  return Array.from({ length: count }, (_none, index) => `guess${mark}${index}@inst.example`)
}

/** Recipients of the attack that the institute was asked for; what is asked ahead may still be on its way. */
async function askedOf({ institute, relay }: Field): Promise<readonly string[]> {
  await using next = await openSession(relay, { localAddress: '127.0.9.1' })
  const { final } = await sendMail(next, { to: 'known299@inst.example' })
  assert.match(final ?? '', /^250 /, 'the next client is not served')
  await new Promise((resolve) => setTimeout(resolve, 300))
  const asked = institute.commandTexts.flatMap(
    (text) => /^RCPT TO:<([^>]*)>/i.exec(text)?.[1] ?? [],
  )
  return [...new Set(asked)].filter((address) => /^(?:guess|known(?!299))/.test(address))
}

/** Everything in one write, and whatever comes back until the end of the connection or `count` replies. */
async function pipeline({ relay }: Field, text: string, count: number): Promise<readonly string[]> {
  await using client = await openSession(relay)
  void client.send(`MAIL FROM:<s@sender.example>\r\n${text}`).catch(() => undefined)
  const replies: string[] = []
  while (replies.length < count) {
    const reply = await client.expect().catch(() => null)
    if (reply === null) break
    replies.push(reply)
  }
  return replies
}

test('unknown ones: no more than a session may guess, and the one that ends it', async () => {
  await using field = await open({ limits: { ...quick, maxUnknownRecipients: 8 } })
  const replies = await pipeline(field, groupOf(guesses(groupCount)), groupCount)
  assert.match(replies.at(-1) ?? '', /^421 4\.7\.0 /)
  assert.ok((await askedOf(field)).length <= 9)
})

test('known ones: no more than a mail may have', async () => {
  await using field = await open({ limits: { ...quick, maxRecipients: 100 } })
  const names = Array.from({ length: 150 }, (_none, index) => `known${index}@inst.example`)
  const replies = await pipeline(field, `${groupOf(names)}RSET\r\n`, 152)
  assert.equal(replies.filter((reply) => reply.startsWith('452 ')).length, 50)
  assert.equal((await askedOf(field)).length, 100)
})

test('behind errors that end the session: none', async () => {
  await using field = await open({ limits: { ...quick, maxErrors: 5 } })
  const strangers = Array.from({ length: 5 }, (_none, index) => `a@no${index}.example`)
  const group = groupOf(['known0@inst.example', ...strangers, ...guesses(groupCount)])
  const replies = await pipeline(field, group, groupCount)
  assert.match(replies.at(-1) ?? '', /^421 4\.7\.0 .*too many errors/)
  assert.deepEqual(await askedOf(field), ['known0@inst.example'])
})

test('behind commands that end the session: none', async () => {
  await using field = await open({ limits: { ...quick, maxCommands: 200 } })
  const groups = [0, 90, 180].map((from) =>
    groupOf(Array.from({ length: 90 }, (_none, index) => `known${from + index}@inst.example`)),
  )
  const text = groups.join('RSET\r\nMAIL FROM:<s@sender.example>\r\n')
  const replies = await pipeline(field, text, 300)
  assert.match(replies.at(-1) ?? '', /^421 4\.7\.0 .*too many commands/)
  // EHLO, three times MAIL and two times RSET are the others.
  assert.equal((await askedOf(field)).length, 194)
})

test('the budget of a network for unknown ones, over sessions at the same time', async () => {
  await using field = await open({ limits: quick, guessing: { mode: 'enforce', maxUnknown: 12 } })
  const sessionCount = 6
  await Promise.all(
    Array.from({ length: sessionCount }, (_none, index) =>
      pipeline(field, `${groupOf(guesses(60, `${index}x`))}QUIT\r\n`, 62),
    ),
  )
  // When the budget is used up, each session may have one question under way, and what was asked ahead while it
  // was not: together never more than the budget once more.
  const asked = (await askedOf(field)).length
  assert.ok(asked <= 2 * 13 + sessionCount, `${asked}`)
})

test('unknown ones that need no question: each is counted once, not ahead and in its turn', async () => {
  await using field = await open({ limits: quick, guessing: { mode: 'enforce', maxUnknown: 14 } })
  const names = guesses(6)
  await pipeline(field, `${groupOf(names)}QUIT\r\n`, 8)
  await pipeline(field, `${groupOf(['known0@inst.example', ...names])}QUIT\r\n`, 9)
  const [, reply] = await pipeline(field, `${groupOf(['known1@inst.example'])}QUIT\r\n`, 3)
  assert.match(reply ?? '', /^250 2\.1\.5 /)
})

test('the budget of a network for questions', async () => {
  await using field = await open({ limits: quick, guessing: { mode: 'enforce', maxQuestions: 7 } })
  const names = Array.from({ length: 90 }, (_none, index) => `known${index}@inst.example`)
  const replies = await pipeline(field, `${groupOf(names)}RSET\r\n`, 92)
  assert.equal(replies.filter((reply) => reply.startsWith('250 2.1.5')).length, 8)
  assert.equal(replies.filter((reply) => reply.startsWith('451 4.7.1')).length, 82)
})

test('whoever resets the connection behind it: no more than a session may guess', async () => {
  await using field = await open({ limits: quick })
  for (let round = 0; round < 5; round += 1) {
    await using client = await openSession(field.relay)
    const names = guesses(groupCount, `r${round}x`)
    await client.send(`MAIL FROM:<>\r\n${groupOf(names.slice(0, 200))}`)
    client.reset()
  }
  const asked = await askedOf(field)
  assert.ok(asked.length <= 5 * 21, `${asked.length}`)
})
