// The judge of what a spool holds: each kind of fault is seen, and what may be either way is no fault.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultsOf, type FoundEntry } from './support/expectation.ts'
import {
  contentOf,
  entryOf,
  firstAttemptMs,
  planNowMs,
  type PlannedFate,
  type SpoolPlan,
} from './support/spool-plan.ts'
import { answersOf, type Word } from './support/words.ts'

const entry = entryOf('x', { recipients: ['anna', 'bert'] })
const plan: SpoolPlan = [
  [{ kind: 'commit', entry }],
  [
    {
      kind: 'settle',
      id: 'x',
      domain: 'x.example',
      fates: { anna: { kind: 'relayed' }, bert: { kind: 'waiting', nextAttemptMs: 5 } },
    },
  ],
  [{ kind: 'hold', domain: 'x.example', reason: 'expired' }],
]

function found(fates: Readonly<Record<string, PlannedFate>>, content?: Buffer): FoundEntry {
  const recipients = Object.entries(fates).map(([local, fate]) => ({
    address: `${local}@x.example`,
    fate,
  }))
  return { id: 'x', recipients, content: content ?? contentOf(entry).whole }
}

const first: PlannedFate = { kind: 'waiting', nextAttemptMs: firstAttemptMs }
const begun: Word = { kind: 'begun', number: 0 }
const done = (...numbers: readonly number[]): readonly Word[] =>
  numbers.flatMap((number) => [
    { kind: 'begun', number },
    { kind: 'done', number },
  ])

const committed = found({ anna: first, bert: first })
const settled = found({ bert: { kind: 'waiting', nextAttemptMs: 5 } })
const held = found({ bert: { kind: 'held', reason: 'expired', sinceMs: planNowMs } })

const cases: readonly (readonly [
  name: string,
  words: readonly Word[],
  found: readonly FoundEntry[],
  fault: string | null,
])[] = [
  ['nothing was asked, nothing is there', [], [], null],
  ['a promise kept', done(0), [committed], null],
  ['a promise broken', done(0), [], 'lost'],
  ['not answered, and there', [begun], [committed], null],
  ['not answered, and not there', [begun], [], null],
  [
    'refused, and there',
    [begun, { kind: 'refused', number: 0, detail: '' }],
    [committed],
    'unwanted',
  ],
  ['unclear, and there', [begun, { kind: 'unclear', number: 0, detail: '' }], [committed], null],
  ['there, and nobody has asked', [], [committed], 'unwanted'],
  ['settled', done(0, 1), [settled], null],
  ['settled, and as before', done(0, 1), [committed], 'wrong-fate'],
  [
    'settled without an answer, and as before',
    [...done(0), { kind: 'begun', number: 1 }],
    [committed],
    null,
  ],
  [
    'settling refused, and it has happened',
    [...done(0), { kind: 'begun', number: 1 }, { kind: 'refused', number: 1, detail: '' }],
    [settled],
    null,
  ],
  ['held after it was settled', done(0, 1, 2), [held], null],
  ['the hold forgotten', done(0, 1, 2), [settled], 'wrong-fate'],
  [
    'other content',
    done(0),
    [found({ anna: first, bert: first }, Buffer.from('y'))],
    'wrong-content',
  ],
  ['a mail nobody knows', done(0), [committed, { ...committed, id: 'y' }], 'unwanted'],
]

for (const [name, words, entries, fault] of cases) {
  test(`${name}: ${fault ?? 'no fault'}`, () => {
    const faults = faultsOf(plan, answersOf(words), entries)
    assert.deepEqual(
      faults.map(({ kind }) => kind),
      fault === null ? [] : [fault],
    )
  })
}
