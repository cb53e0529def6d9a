import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkQueue } from './work-queue.ts'

interface Watched {
  readonly queue: WorkQueue<number>
  readonly done: number[]
  readonly dropped: number[]
  readonly faults: unknown[]
  /** Lets what waits in `work` go on. */
  readonly open: () => void
  readonly peak: () => number
}

function watched(limits: { readonly waiting: number; readonly running: number }): Watched {
  const done: number[] = []
  const dropped: number[] = []
  const faults: unknown[] = []
  const gate = Promise.withResolvers<void>()
  let running = 0
  let peak = 0
  const queue = new WorkQueue<number>({
    maxWaitingCount: limits.waiting,
    maxRunningCount: limits.running,
    work: async (item, signal) => {
      running += 1
      peak = Math.max(peak, running)
      const { promise, resolve } = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => resolve(), { once: true })
      await Promise.race([gate.promise, promise])
      running -= 1
      if (item < 0) throw new Error('a bug')
      done.push(item)
    },
    onDropped: (item) => dropped.push(item),
    onFault: (error) => faults.push(error),
  })
  return { queue, done, dropped, faults, open: gate.resolve, peak: () => peak }
}

test('never more at once than allowed, in order, and the oldest is dropped', async () => {
  const { queue, done, dropped, open, peak } = watched({ waiting: 3, running: 2 })
  for (let item = 1; item <= 7; item += 1) queue.push(item)
  assert.deepEqual(dropped, [3, 4])
  open()
  await queue.close(1000)
  assert.deepEqual(done, [1, 2, 5, 6, 7])
  assert.equal(peak(), 2)
})

test('a fault is told and does not stop the queue', async () => {
  const { queue, done, faults, open } = watched({ waiting: 10, running: 1 })
  open()
  queue.push(-1)
  queue.push(2)
  await queue.close(1000)
  assert.deepEqual(done, [2])
  assert.match(String(faults[0]), /a bug/)
})

test('closing waits no longer than told, aborts what runs and drops what waits', async () => {
  const { queue, done, dropped } = watched({ waiting: 10, running: 1 })
  queue.push(1)
  queue.push(2)
  const startMs = performance.now()
  await queue.close(50)
  assert.ok(performance.now() - startMs < 1000)
  assert.deepEqual([done, dropped], [[1], [2]])
  queue.push(3)
  assert.deepEqual(dropped, [2, 3])
})

test('closing an idle queue takes no time and leaves no timer', async () => {
  const { queue } = watched({ waiting: 1, running: 1 })
  const startMs = performance.now()
  await queue.close(60_000)
  assert.ok(performance.now() - startMs < 1000)
  await sleep(1)
  assert.ok(!process.getActiveResourcesInfo().includes('Timeout'))
})
