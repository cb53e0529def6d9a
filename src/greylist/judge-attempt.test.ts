import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GreylistRules } from './greylist.ts'
import { judgeAttempt, type RememberedNetwork, type RememberedTriple } from './judge-attempt.ts'
import { networkText, steadySender, tripleOf } from './triple.ts'

const minute = 60_000
const day = 86_400_000
const now = 1_800_000_000_000

const rules: GreylistRules = {
  delayMs: 5 * minute,
  retryWindowMs: 2 * day,
  memoryMs: 36 * day,
  allowAfterCount: 5,
  maxEntryCount: 1000,
}

function waiting(sinceMs: number): RememberedTriple {
  return { firstAtMs: now - sinceMs, passedAtMs: null, seenAtMs: now - sinceMs }
}

function passed(seenMs: number): RememberedTriple {
  return { firstAtMs: now - 100 * day, passedAtMs: now - 99 * day, seenAtMs: now - seenMs }
}

interface Case {
  readonly triple?: RememberedTriple
  readonly network?: RememberedNetwork
  readonly rules?: Partial<GreylistRules>
  readonly answer: string
  /** What is to be remembered: `new`, `passed`, `seen`, or nothing. */
  readonly noted?: string
}

const cases: Readonly<Record<string, Case>> = {
  'never seen': { answer: 'wait 300000', noted: 'new' },
  'back at once': { triple: waiting(1000), answer: 'wait 299000' },
  'back a millisecond early': { triple: waiting(5 * minute - 1), answer: 'wait 1' },
  'back in time': { triple: waiting(5 * minute), answer: 'passed', noted: 'passed' },
  'back at the end of the window': { triple: waiting(2 * day), answer: 'passed', noted: 'passed' },
  'back too late': { triple: waiting(2 * day + 1), answer: 'wait 300000', noted: 'new' },
  'the clock was set back': { triple: waiting(-day), answer: 'passed', noted: 'passed' },
  'passed, and seen a minute ago': { triple: passed(minute), answer: 'known' },
  'passed, and seen a month ago': { triple: passed(36 * day), answer: 'known', noted: 'seen' },
  'passed, and not seen for long': {
    triple: passed(36 * day + 1),
    answer: 'wait 300000',
    noted: 'new',
  },
  'a network of five': {
    network: { passedCount: 5, seenAtMs: now - minute },
    answer: 'network-known',
  },
  'a network of four': {
    network: { passedCount: 4, seenAtMs: now - minute },
    answer: 'wait 300000',
    noted: 'new',
  },
  'a network that was not seen for long': {
    network: { passedCount: 50, seenAtMs: now - 36 * day - 1 },
    answer: 'wait 300000',
    noted: 'new',
  },
  'no network is ever known': {
    network: { passedCount: 50, seenAtMs: now },
    rules: { allowAfterCount: 0 },
    answer: 'wait 300000',
    noted: 'new',
  },
}

for (const [name, { triple, network, rules: changed, answer, noted }] of Object.entries(cases)) {
  test(`${name}: ${answer}`, () => {
    const decision = judgeAttempt(now, triple, network, { ...rules, ...changed })
    const { answer: given, triple: kept } = decision
    assert.equal(given.kind === 'wait' ? `wait ${given.waitMs}` : given.kind, answer)
    const word =
      kept === null
        ? undefined
        : kept.isNew
          ? 'new'
          : kept.passedAtMs === now
            ? 'passed'
            : kept.seenAtMs === now
              ? 'seen'
              : 'as it was'
    assert.equal(word, noted)
    assert.equal(decision.network?.newlyPassedCount === 1, answer === 'passed')
  })
}

const senders: readonly (readonly [string, string])[] = [
  ['alice@sender.example', 'alice@sender.example'],
  ['list-bounces+bob=inst.example@list.example', 'list-bounces@list.example'],
  ['bounce-12345-6@list.example', 'bounce-#-#@list.example'],
  ['b-00deadbeef01-x@list.example', 'b-#-x@list.example'],
  ['prvs=1234abcdef=alice@sender.example', 'alice@sender.example'],
  [
    'srs0=hash=tt=sender.example=alice@forward.example',
    'srs#=sender.example=alice@forward.example',
  ],
  ['', ''],
]

for (const [sender, steady] of senders) {
  test(`the sender <${sender}> counts as <${steady}>`, () => {
    assert.equal(steadySender(sender), steady)
  })
}

test('a neighbour with the same sender and recipient is the same triple', () => {
  const attempt = { clientAddress: '192.0.2.7', sender: 'A@s.example', recipient: 'r@i.example' }
  const same = { clientAddress: '192.0.2.8', sender: 'a@s.example', recipient: 'R@i.example' }
  assert.deepEqual(tripleOf(attempt), tripleOf(same))
  const others = [
    { ...attempt, clientAddress: '192.0.3.7' },
    { ...attempt, sender: 'b@s.example' },
    { ...attempt, sender: '' },
    { ...attempt, recipient: 'x@i.example' },
  ]
  for (const other of others) assert.notDeepEqual(tripleOf(other).key, tripleOf(attempt).key)
  assert.equal(networkText('2001:db8::1'), networkText('2001:db8::ffff:ffff:ffff:ffff'))
  assert.notEqual(networkText('2001:db8::1'), networkText('2001:db8:0:1::1'))
})
