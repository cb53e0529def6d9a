import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { MailHeld } from './alert.ts'
import { HeldCollector } from './held-digest.ts'
import type { HeldDigest } from './notice.ts'

function held(id: string, domain = 'inst.example'): MailHeld {
  return {
    kind: 'mail-held',
    domain,
    id,
    recipients: [`x@${domain}`],
    reason: 'refused',
    reply: '',
  }
}

function turn(
  run: (collector: HeldCollector, told: HeldDigest[], passMs: (ms: number) => void) => void,
): void {
  mock.timers.enable({ apis: ['setTimeout'] })
  const told: HeldDigest[] = []
  const tell = (digest: HeldDigest): void => void told.push(digest)
  try {
    const collector = new HeldCollector({ collectMs: 30_000, digestMs: 600_000, tell })
    run(collector, told, (ms) => mock.timers.tick(ms))
  } finally {
    mock.timers.reset()
  }
}

const idsOf = ({ mails }: HeldDigest): readonly string[] => mails.map(({ id }) => id)

test('the first waits for its neighbours, the next digest for its period', () => {
  turn((collector, told, passMs) => {
    collector.add(held('A'))
    passMs(29_999)
    collector.add(held('B'))
    assert.equal(told.length, 0)
    passMs(1)
    assert.deepEqual(told.map(idsOf), [['A', 'B']])
    collector.add(held('C'))
    passMs(599_999)
    assert.equal(told.length, 1)
    passMs(1)
    assert.deepEqual(told.slice(1).map(idsOf), [['C']])
  })
})

test('after a quiet period it begins anew', () => {
  turn((collector, told, passMs) => {
    collector.add(held('A'))
    passMs(30_000)
    passMs(600_000)
    collector.add(held('B'))
    passMs(30_000)
    assert.deepEqual(told.map(idsOf), [['A'], ['B']])
  })
})

test('domains have digests of their own, and a flood is counted, not kept', () => {
  turn((collector, told, passMs) => {
    for (let index = 0; index < 20_000; index += 1) collector.add(held(String(index)))
    collector.add(held('Z', 'other.example'))
    passMs(30_000)
    assert.deepEqual(
      told.map(({ domain, mailCount, mails }) => [domain, mailCount, mails.length]),
      [
        ['inst.example', 20_000, 20],
        ['other.example', 1, 1],
      ],
    )
  })
})

test('closing tells what was collected, and what comes later at once', () => {
  turn((collector, told, passMs) => {
    collector.add(held('A'))
    collector.close()
    collector.add(held('B'))
    passMs(1_000_000)
    assert.deepEqual(told.map(idsOf), [['A'], ['B']])
  })
})
