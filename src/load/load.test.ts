import assert from 'node:assert/strict'
import { openSync, closeSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { readLimit } from './descriptors.ts'
import { openLoadWatch, type LoadEvent, type LoadLimits } from './load.ts'

const plenty: LoadLimits = {
  maxLoopDelayMs: 60_000,
  maxDescriptorPercent: 100,
  maxMemoryPercent: 100,
}

function watch(limits: () => LoadLimits): {
  readonly watch: ReturnType<typeof openLoadWatch>
  readonly events: LoadEvent[]
} {
  const events: LoadEvent[] = []
  const emit = (event: LoadEvent): void => void events.push(event)
  return { watch: openLoadWatch({ limits, monotonicMs: () => performance.now(), emit }), events }
}

test('a process that has enough of everything has no shortage', () => {
  const { watch: opened, events } = watch(() => plenty)
  assert.equal(opened.shortage(), null)
  assert.deepEqual(events, [])
  opened.close()
})

test('a loop that is late is short of time until it is well again', async () => {
  const { watch: opened, events } = watch(() => ({ ...plenty, maxLoopDelayMs: 200 }))
  await pause(150)
  const endMs = performance.now() + 800
  while (performance.now() < endMs);
  await pause(0)
  assert.equal(opened.shortage(), 'loop-late')
  const patienceMs = performance.now() + 5000
  while (opened.shortage() !== null && performance.now() < patienceMs) await pause(50)
  assert.deepEqual(
    events.map(({ kind, shortage }) => `${kind} ${shortage}`),
    ['shedding-began loop-late', 'shedding-ended loop-late'],
  )
  opened.close()
})

test('descriptors are counted again when enough were taken to reach the limit', () => {
  const limit = readLimit()
  const { watch: opened } = watch(() => ({
    ...plenty,
    maxDescriptorPercent: (150 * 100) / limit,
  }))
  // Taken by nobody in truth: the count says so in time.
  for (let count = 0; count < 500; count += 1) assert.equal(opened.shortage(), null)
  const descriptors = Array.from({ length: 150 }, () => openSync('/dev/null', 'r'))
  let taken = 0
  while (opened.shortage() === null && taken < 200) taken += 1
  assert.ok(taken < 150, `${taken}`)
  for (const descriptor of descriptors) closeSync(descriptor)
  opened.close()
})

test('memory is looked at, and limits that change hold at the next look', async () => {
  const current = { limits: { ...plenty, maxMemoryPercent: 0.001 } }
  const { watch: opened, events } = watch(() => current.limits)
  assert.equal(opened.shortage(), 'memory-short')
  current.limits = plenty
  const patienceMs = performance.now() + 5000
  while (opened.shortage() !== null && performance.now() < patienceMs) await pause(50)
  assert.equal(events.at(-1)?.kind, 'shedding-ended')
  opened.close()
})
