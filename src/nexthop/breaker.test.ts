import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Breaker } from './breaker.ts'
import type { NoAnswer } from './nexthop.ts'

const cause: NoAnswer = { kind: 'io', stage: 'connect', detail: 'refused', reply: null }

interface Probe {
  readonly breaker: Breaker
  readonly told: string[]
  answers: boolean[]
  isAnswering: Promise<void> | undefined
  nowMs: number
}

function create(failureCount = 3): Probe {
  const told: string[] = []
  const probe: Probe = {
    told,
    answers: [],
    isAnswering: undefined,
    nowMs: 1000,
    breaker: undefined as never,
  }
  const breaker = new Breaker({
    failureCount,
    recoveryMs: 100,
    minRecoveryMs: 50,
    now: () => probe.nowMs,
    monotonicMs: () => probe.nowMs,
    isAsker: () => true,
    tryRecovery: async () => {
      told.push('asked')
      await probe.isAnswering
      return probe.answers.shift() ?? false
    },
    onOpened: ({ detail }) => told.push(`opened: ${detail}`),
    onClosed: (downForMs) => told.push(`closed after ${downForMs}`),
  })
  return Object.assign(probe, { breaker })
}

/** Moves the timers on and lets what they began come to its end. */
async function tick(ms: number): Promise<void> {
  mock.timers.tick(ms)
  for (let count = 0; count < 10; count += 1) await Promise.resolve()
}

test('opens at the last of consecutive failures, and a success between them starts again', () => {
  const { breaker, told } = create()
  breaker.onFailure(cause)
  breaker.onFailure(cause)
  breaker.onSuccess()
  breaker.onFailure(cause)
  breaker.onFailure(cause)
  assert.equal(breaker.isOpen, false)
  assert.equal(breaker.consecutiveFailureCount, 2)
  breaker.onFailure(cause)
  assert.equal(breaker.isOpen, true)
  assert.equal(breaker.lastFailure, cause)
  breaker.onFailure(cause)
  assert.deepEqual(told, ['opened: refused'])
  breaker.close()
})

test('asks again and again while open, closes at the first answer, and then asks no more', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const probe = create(1)
    const { breaker, told } = probe
    probe.answers = [false, true]
    breaker.onFailure(cause)
    probe.nowMs = 1500
    await tick(99)
    assert.deepEqual(told, ['opened: refused'])
    await tick(1)
    assert.equal(breaker.isOpen, true)
    probe.nowMs = 1600
    await tick(100)
    assert.equal(breaker.isOpen, false)
    assert.deepEqual(told, ['opened: refused', 'asked', 'asked', 'closed after 600'])
    await tick(1000)
    assert.equal(told.length, 4)
    // It can open again.
    breaker.onFailure(cause)
    assert.equal(breaker.isOpen, true)
    breaker.close()
    await tick(1000)
    assert.equal(told.at(-1), 'opened: refused')
  } finally {
    mock.timers.reset()
  }
})

test('a mail that gets through closes it before the recovery question does', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const { breaker, told } = create(1)
    breaker.onFailure(cause)
    breaker.onSuccess()
    assert.equal(breaker.isOpen, false)
    await tick(1000)
    assert.deepEqual(told, ['opened: refused', 'closed after 0'])
  } finally {
    mock.timers.reset()
  }
})

test('asked by somebody: one question for all of them, and the last answer for a while', async () => {
  const probe = create(1)
  const { breaker, told } = probe
  assert.equal(await breaker.recover(), true)
  breaker.onFailure(cause)
  assert.deepEqual(await Promise.all([breaker.recover(), breaker.recover()]), [false, false])
  assert.deepEqual(told, ['opened: refused', 'asked'])
  probe.answers = [true]
  probe.nowMs += 49
  assert.equal(await breaker.recover(), false)
  assert.equal(told.length, 2)
  probe.nowMs += 1
  assert.deepEqual(await Promise.all([breaker.recover(), breaker.recover()]), [true, true])
  assert.deepEqual(told.slice(2), ['asked', 'closed after 50'])
  assert.equal(await breaker.recover(), true)
  assert.equal(told.length, 4)
})

test('the question in time joins the one of somebody, and goes on after it', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const { promise, resolve } = Promise.withResolvers<void>()
    const probe = create(1)
    probe.isAnswering = promise
    const { breaker, told } = probe
    breaker.onFailure(cause)
    const asked = breaker.recover()
    await tick(100)
    assert.deepEqual(told, ['opened: refused', 'asked'])
    resolve()
    assert.equal(await asked, false)
    await tick(0)
    probe.nowMs += 100
    probe.answers = [true]
    await tick(100)
    assert.deepEqual(told.slice(2), ['asked', 'closed after 100'])
  } finally {
    mock.timers.reset()
  }
})

test('after close nothing is asked, not even by a question under way', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const probe = create(1)
    const { breaker, told } = probe
    breaker.onFailure(cause)
    await tick(100)
    assert.equal(told.length, 2)
    const asked = breaker.recover()
    breaker.close()
    assert.equal(await asked, false)
    probe.nowMs += 1000
    assert.equal(await breaker.recover(), false)
    await tick(1000)
    assert.equal(told.length, 2)
  } finally {
    mock.timers.reset()
  }
})
