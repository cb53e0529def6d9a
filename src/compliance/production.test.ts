// Counting what a server refuses after it has said yes.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  afterRefusal,
  atTime,
  dayMs,
  emptyRefusals,
  hourMs,
  isOver,
  refusalCounts,
  refusalSummary,
  type LateRefusalState,
  type SeenRefusal,
} from './production.ts'

const startMs = Date.UTC(2026, 9, 5)
const minuteMs = 60_000

function seen(
  kind: SeenRefusal['kind'],
  atMs: number,
  more: Partial<SeenRefusal> = {},
): SeenRefusal {
  const reply = kind === 'content' ? '550 5.7.1 Spam' : '550 5.1.1 <bob@inst.example> unknown'
  const facts = { mail: 'trace1', server: 'mail.inst.example', count: 1, isExpected: false }
  return { kind, atMs, reply, ...facts, ...more }
}

function after(...all: readonly SeenRefusal[]): LateRefusalState {
  return all.reduce(afterRefusal, emptyRefusals('inst.example', 'route'))
}

describe('when it is too much', () => {
  const times = (...minutes: readonly number[]): readonly SeenRefusal[] =>
    minutes.map((minute) => seen('recipient', startMs + minute * minuteMs))
  const cases: readonly (readonly [string, readonly SeenRefusal[], boolean])[] = [
    ['one mail refused after DATA', [seen('content', startMs)], true],
    ['one that a person expects', [seen('content', startMs, { isExpected: true })], false],
    ['a recipient', times(0), false],
    ['two recipients', times(0, 1), false],
    ['three recipients within an hour', times(0, 30, 60), true],
    ['three recipients in more than an hour', times(0, 30, 61), false],
    ['many, one every half hour and a minute', times(0, 31, 62, 93, 124, 155), false],
    ['three of one mail', [seen('recipient', startMs, { count: 3 })], true],
    ['a thousand of one mail', [seen('recipient', startMs, { count: 1000 })], true],
    ['a clock that is set back in between', times(0, -3000, -2990), false],
  ]
  for (const [name, all, isDegraded] of cases) {
    test(name, () => assert.equal(after(...all).degraded !== null, isDegraded))
  }
})

test('counts are those of a day, to the hour; a clock that was wrong leaves nothing behind', () => {
  const hours = Array.from({ length: 40 }, (_, hour) => seen('content', startMs + hour * hourMs))
  const state = after(...hours)
  const nowMs = startMs + 39 * hourMs
  assert.deepEqual(refusalCounts(state, nowMs), { contentCount: 24, recipientCount: 0 })
  assert.ok(state.hours.length <= 25)
  assert.deepEqual(refusalCounts(state, nowMs + 23 * hourMs).contentCount, 1)
  assert.deepEqual(refusalCounts(state, nowMs + dayMs).contentCount, 0)
  const back = afterRefusal(state, seen('recipient', startMs - dayMs))
  assert.deepEqual(refusalCounts(back, startMs - dayMs), { contentCount: 0, recipientCount: 1 })
  assert.equal(back.hours.length, 1)
})

test('it begins once, goes on while there is more, and ends a day after the last', () => {
  const first = after(seen('content', startMs))
  const told = { ...first, degraded: { ...first.degraded, isTold: true } } as LateRefusalState
  const next = afterRefusal(told, seen('content', startMs + 20 * hourMs))
  assert.deepEqual(next.degraded, {
    sinceMs: startMs,
    lastAtMs: startMs + 20 * hourMs,
    isTold: true,
  })
  assert.equal(atTime(next, startMs + 43 * hourMs), next)
  const ended = atTime(next, startMs + 44 * hourMs)
  assert.equal(ended.degraded, null)
  assert.ok(isOver(ended, startMs + 44 * hourMs) && !isOver(next, startMs + 44 * hourMs))
  // Then it is news again.
  const again = afterRefusal(ended, seen('content', startMs + 50 * hourMs))
  assert.equal(again.degraded?.isTold, false)
})

test('the summary has the counts, the last words, and no address of a person', () => {
  const state = after(
    seen('content', startMs),
    seen('content', startMs + 1, { reply: '554 5.7.1 other' }),
    seen('recipient', startMs + 2),
  )
  const { de, en } = refusalSummary(state, startMs + 3)
  assert.equal(
    en,
    '2 refusals after DATA in 24 h, the last: “554 5.7.1 other”. 1 recipients refused in 24 h that had been accepted before, the last: “550 5.1.1 <b***@inst.example> unknown”.',
  )
  assert.match(de, /^2 Ablehnungen nach DATA/)
  assert.ok(!JSON.stringify(state).includes('bob@'))
})
