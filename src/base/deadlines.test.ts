import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Deadlines, type Expirable } from './deadlines.ts'

/** Deadlines whose clock and timer are turned by hand. */
function turn(
  run: (deadlines: Deadlines, passMs: (ms: number) => void, sleepMs: (ms: number) => void) => void,
): void {
  mock.timers.enable({ apis: ['setInterval'] })
  let nowMs = 5000
  try {
    const passMs = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 100) {
        nowMs += 100
        mock.timers.tick(100)
      }
    }
    run(new Deadlines({ monotonicMs: () => nowMs, intervalMs: 100 }), passMs, (ms) => {
      nowMs += ms
    })
  } finally {
    mock.timers.reset()
  }
}

function item(deadlineMs: number): Expirable & { expiredCount: number } {
  const made = {
    deadlineMs,
    expiredCount: 0,
    expire: (): void => {
      made.expiredCount += 1
    },
  }
  return made
}

test('a deadline passes once, not before its time', () => {
  turn((deadlines, passMs) => {
    const one = item(deadlines.in(300))
    deadlines.add(one)
    passMs(200)
    assert.equal(one.expiredCount, 0)
    passMs(100)
    assert.equal(one.expiredCount, 1)
    assert.equal(one.deadlineMs, Infinity)
    passMs(1000)
    assert.equal(one.expiredCount, 1)
  })
})

test('a deadline that is moved passes later, and can be set again after it passed', () => {
  turn((deadlines, passMs) => {
    const one = item(deadlines.in(200))
    deadlines.add(one)
    passMs(100)
    one.deadlineMs = deadlines.in(300)
    passMs(200)
    assert.equal(one.expiredCount, 0)
    passMs(100)
    assert.equal(one.expiredCount, 1)
    one.deadlineMs = deadlines.in(100)
    passMs(100)
    assert.equal(one.expiredCount, 2)
  })
})

test('Infinity never passes, nor what was taken out', () => {
  turn((deadlines, passMs) => {
    const idle = item(Infinity)
    const gone = item(deadlines.in(100))
    deadlines.add(idle)
    deadlines.add(gone)
    deadlines.delete(gone)
    passMs(10_000)
    assert.equal(idle.expiredCount, 0)
    assert.equal(gone.expiredCount, 0)
  })
})

test('an item may take itself and others out while it expires', () => {
  turn((deadlines, passMs) => {
    const second = item(deadlines.in(100))
    const first: Expirable = {
      deadlineMs: deadlines.in(100),
      expire: () => {
        deadlines.delete(first)
        deadlines.delete(second)
      },
    }
    deadlines.add(first)
    deadlines.add(second)
    passMs(200)
    assert.equal(second.expiredCount, 0)
    const third = item(deadlines.in(100))
    deadlines.add(third)
    passMs(100)
    assert.equal(third.expiredCount, 1) // the timer runs again
  })
})

test('a process that slept looks at its sockets before it expires anybody, but only once', () => {
  turn((deadlines, passMs, sleepMs) => {
    const heard = item(deadlines.in(200))
    const silent = item(deadlines.in(200))
    deadlines.add(heard)
    deadlines.add(silent)
    sleepMs(5000)
    passMs(100)
    assert.equal(silent.expiredCount, 0)
    heard.deadlineMs = deadlines.in(60_000) // what it had sent while the process slept
    sleepMs(5000)
    passMs(100)
    assert.deepEqual([heard.expiredCount, silent.expiredCount], [0, 1])
  })
})
