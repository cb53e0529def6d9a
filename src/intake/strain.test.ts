import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IntakeEvent } from './intake.ts'
import { Strain } from './strain.ts'

test('strain begins at its share, ends well below it, and is told once each', () => {
  const events: IntakeEvent[] = []
  let nowMs = 0
  const strain = new Strain({
    emit: (event) => void events.push(event),
    monotonicMs: () => (nowMs += 100),
  })
  const states = [79, 80, 95, 75, 71, 79, 69, 79, 80].map((count) => {
    strain.look(count, 100, 80)
    return strain.isStrained
  })
  assert.deepEqual(states, [false, true, true, true, true, true, false, false, true])
  assert.deepEqual(events, [
    { kind: 'strain-began', sessionCount: 80, maxSessionCount: 100 },
    { kind: 'strain-ended', sessionCount: 69, forMs: 100 },
    { kind: 'strain-began', sessionCount: 80, maxSessionCount: 100 },
  ])
})

test('a relay with few places leaves strain when nobody is left', () => {
  const strain = new Strain({ emit: () => undefined, monotonicMs: () => 0 })
  strain.look(1, 1, 80)
  assert.equal(strain.isStrained, true)
  strain.look(0, 1, 80)
  assert.equal(strain.isStrained, false)
})
