import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecipientAnswer } from '#recipients/recipients.ts'
import { accept, reject } from '#verdict/verdict.ts'
import { servedDomain } from '../../test/support/scripted-next-hops.ts'
import { clientNetwork, GuessBook, type GuessingRules } from './guess-book.ts'
import { guardedVerify } from './guarded-verify.ts'
import type { IntakeEvent } from './intake.ts'

interface Books {
  readonly book: GuessBook
  readonly events: IntakeEvent[]
  readonly passMs: (ms: number) => void
}

function open(rules: Partial<GuessingRules> = {}): Books {
  let nowMs = 1_000_000
  const events: IntakeEvent[] = []
  const all: GuessingRules = { mode: 'enforce', maxUnknownCount: 3, maxQuestionCount: 5, ...rules }
  const book = new GuessBook({
    rules: () => all,
    monotonicMs: () => nowMs,
    emit: (event) => void events.push(event),
  })
  return { book, events, passMs: (ms) => (nowMs += ms) }
}

const network = '192.0.2.0/24'
const domain = servedDomain('inst.example')
const query = (local: string) => ({
  domain,
  mailbox: { local, domain: domain.domain },
  isSmtpUtf8: false,
  sizeBytes: null,
})
const yes: RecipientAnswer = { verdict: accept, source: 'live', isKnownGood: true, tookMs: 1 }
const no: RecipientAnswer = {
  ...yes,
  verdict: reject({
    kind: 'recipient-unknown',
    server: 'mail.inst.example',
    reply: { code: 550, status: '5.1.1', lines: ['no'] },
  }),
}

test('a network is what one client has at hand', () => {
  const cases = [
    ['192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['unknown', 'unknown'],
  ] as const
  for (const [address, wanted] of cases) assert.equal(clientNetwork(address), wanted)
})

test('unknown recipients use up the budget of a network, which comes back in an hour', () => {
  const { book, events, passMs } = open()
  for (let count = 0; count < 3; count += 1) book.unknown(network)
  assert.equal(book.isOver(network), false)
  book.unknown(network)
  book.unknown(network)
  assert.equal(book.isOver(network), true)
  assert.equal(book.isOver('198.51.100.0/24'), false)
  const seen = { network, budget: 'unknown-recipients', limit: 3, mode: 'enforce' }
  assert.deepEqual(events, [{ kind: 'guessing-seen', ...seen }])
  passMs(3_600_000)
  assert.equal(book.isOver(network), true) // the window before still counts
  passMs(1_800_000)
  assert.equal(book.isOver(network), false)
})

test('questions use up the budget of a minute', () => {
  const { book, events, passMs } = open()
  for (let count = 0; count < 6; count += 1) book.asked(network)
  assert.equal(book.isOver(network), true)
  assert.deepEqual(
    events.map((event) => (event.kind === 'guessing-seen' ? event.budget : '')),
    ['questions'],
  )
  passMs(120_000)
  assert.equal(book.isOver(network), false)
})

test('observing tells and does nothing else; off does nothing at all', () => {
  const observed = open({ mode: 'observe' })
  const off = open({ mode: 'off' })
  for (const { book } of [observed, off]) {
    for (let count = 0; count < 100; count += 1) book.unknown(network)
    assert.equal(book.isOver(network), false)
  }
  assert.deepEqual([observed.events.length, off.events.length], [1, 0])
})

test('what other workers tell counts, and is not told again', () => {
  const { book, events } = open()
  const other = open()
  for (let count = 0; count < 4; count += 1) other.book.unknown(network)
  other.book.asked(network)
  const news = other.book.takeNews()
  assert.deepEqual(news, [{ network, unknownCount: 4, questionCount: 1 }])
  assert.deepEqual(other.book.takeNews(), [])
  book.heard(news)
  assert.equal(book.isOver(network), true)
  assert.deepEqual([book.takeNews(), events], [[], []])
})

test('networks that are invented do not fill the memory', () => {
  const { book } = open()
  for (let count = 0; count < 50_000; count += 1) book.unknown(`2001:db8:${count}::/64`)
  assert.ok(book.takeNews().length <= 20_000)
})

test('a client that has guessed too much hears of known recipients only, and nobody is asked', async () => {
  const { book } = open()
  const asked: string[] = []
  const verify = guardedVerify(
    async ({ mailbox }) => {
      asked.push(mailbox.local)
      return mailbox.local === 'known' ? yes : no
    },
    { book, isKnown: ({ mailbox }) => mailbox.local === 'known' },
    () => network,
  )
  for (const guess of ['a', 'b', 'c', 'd']) {
    assert.equal((await verify(query(guess))).verdict.kind, 'reject')
  }
  const refused = await verify(query('e'))
  assert.deepEqual(refused.verdict, {
    kind: 'defer',
    reason: { kind: 'too-much-guessing', network },
  })
  assert.equal((await verify(query('known'))).verdict.kind, 'accept')
  assert.deepEqual(asked, ['a', 'b', 'c', 'd', 'known'])
})
