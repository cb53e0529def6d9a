import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAnswerCache } from './answer-cache.ts'
import type { DnsAnswer } from './dns.ts'

const found = (value: string, ttlMs: number): DnsAnswer<string> => ({
  kind: 'found',
  values: [value],
  ttlMs,
})

test('an answer is remembered for its time, and tells what is left of it', async () => {
  const { cache, ask, turn, askedCount } = setUp()
  assert.deepEqual(await cache.answer('a', ask(found('1', 1000))), found('1', 1000))
  turn(400)
  assert.deepEqual(await cache.answer('a', ask(found('2', 1000))), found('1', 600))
  turn(600)
  assert.deepEqual(await cache.answer('a', ask(found('2', 1000))), found('2', 1000))
  assert.equal(askedCount(), 2)
})

const kept: readonly (readonly [string, DnsAnswer<string>, keptMs: number])[] = [
  ['found with a day to live: five minutes', found('1', 86_400_000), 300_000],
  ['found with no time to live: not at all', found('1', 0), 0],
  ['none: thirty seconds', { kind: 'none', cause: 'name', ttlMs: 3_600_000 }, 30_000],
  ['failed: five seconds', { kind: 'failed', detail: 'SERVFAIL' }, 5000],
]

for (const [name, answer, keptMs] of kept) {
  test(`kept: ${name}`, async () => {
    const { cache, ask, turn, askedCount } = setUp()
    await cache.answer('a', ask(answer))
    if (keptMs > 0) {
      turn(keptMs - 1)
      await cache.answer('a', ask(answer))
      assert.equal(askedCount(), 1)
      turn(1)
    }
    await cache.answer('a', ask(answer))
    assert.equal(askedCount(), 2)
  })
}

test('parallel askers share one query, later ones ask again', async () => {
  const { cache, ask, askedCount } = setUp()
  const answers = await Promise.all([1, 2, 3].map(() => cache.answer('a', ask(found('1', 0)))))
  assert.deepEqual(answers, Array(3).fill(found('1', 0)))
  assert.equal(askedCount(), 1)
  await cache.answer('a', ask(found('1', 0)))
  assert.equal(askedCount(), 2)
})

test('the number of answers is bounded; the one used longest ago goes', async () => {
  const { cache, ask, askedCount } = setUp()
  for (const key of ['a', 'b', 'a', 'c', 'd']) await cache.answer(key, ask(found(key, 1000)))
  assert.equal(askedCount(), 4) // d took b's place
  for (const key of ['a', 'c', 'd']) await cache.answer(key, ask(found(key, 1000)))
  assert.equal(askedCount(), 4)
  await cache.answer('b', ask(found('b', 1000)))
  assert.equal(askedCount(), 5)
})

function setUp() {
  let nowMs = 0
  let count = 0
  const clock = { now: () => nowMs, monotonicMs: () => nowMs }
  return {
    cache: createAnswerCache<string>(clock, 3),
    ask: (answer: DnsAnswer<string>) => async () => {
      count += 1
      return answer
    },
    turn: (ms: number) => {
      nowMs += ms
    },
    askedCount: () => count,
  }
}
