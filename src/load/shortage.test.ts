import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShortageGauge, type LoadEvent } from './shortage.ts'

test('begins at the limit, ends below a part of it, and tells both once', () => {
  const events: LoadEvent[] = []
  let nowMs = 0
  const gauge = new ShortageGauge('descriptors-short', {
    emit: (event) => void events.push(event),
    monotonicMs: () => (nowMs += 10),
  })
  const states = [89, 90, 95, 86, 85, 89].map((value) => {
    gauge.update(value, 90)
    return gauge.isShort
  })
  assert.deepEqual(states, [false, true, true, true, false, false])
  assert.deepEqual(events, [
    { kind: 'shedding-began', shortage: 'descriptors-short', value: 90, limit: 90 },
    { kind: 'shedding-ended', shortage: 'descriptors-short', forMs: 10 },
  ])
})
