// The account of the random kills finds what it is there to find.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TakenMail } from './support/flapping-institute.ts'
import type { Answer, SentNumber } from './support/outside-client.ts'
import { reconcile, type Account, type World } from './support/reconcile.ts'

const address = 'a@one.example'

function sent(...answers: readonly (readonly [Answer, number])[]): SentNumber {
  return {
    number: 1,
    recipients: [address, 'b@two.example'],
    lineCount: 1,
    isRetried: true,
    tries: answers.map(([answer, endMs]) => ({
      startMs: endMs - 10,
      endMs,
      answers: new Map([[address, answer]]),
    })),
  }
}

function taken(traceId: string, atMs: number, isAnswered = true): TakenMail {
  return { number: 1, recipients: [address], traceId, atMs, isExpected: true, isAnswered }
}

const kept = { number: 1, address, fate: 'held' } as const
const nothing = { taken: [], kept: [], killsMs: [] }

const cases: readonly (readonly [string, World, (account: Account) => boolean])[] = [
  [
    '250 and nowhere',
    { ...nothing, numbers: [sent(['yes', 100])] },
    ({ lost }) => lost.length === 1,
  ],
  [
    '250 and in the hold',
    { ...nothing, numbers: [sent(['yes', 100])], kept: [kept] },
    ({ lost, heldCount }) => lost.length === 0 && heldCount === 1,
  ],
  [
    '4yz and delivered afterwards',
    { ...nothing, numbers: [sent(['later', 100])], taken: [taken('x', 200)] },
    ({ unwanted }) => unwanted.length === 1,
  ],
  [
    '4yz and kept',
    { ...nothing, numbers: [sent(['later', 100])], kept: [kept] },
    ({ unwanted }) => unwanted.length === 1,
  ],
  [
    '4yz, taken before it without an answer',
    { ...nothing, numbers: [sent(['later', 100])], taken: [taken('x', 90, false)] },
    ({ unwanted }) => unwanted.length === 0,
  ],
  [
    'twice for no reason',
    { ...nothing, numbers: [sent(['yes', 100])], taken: [taken('x', 90), taken('x', 200)] },
    ({ unexplained }) => unexplained.length === 1,
  ],
  [
    'twice, the first answer lost',
    { ...nothing, numbers: [sent(['yes', 100])], taken: [taken('x', 90, false), taken('x', 200)] },
    ({ unexplained, duplicates }) => unexplained.length === 0 && duplicates['reply-lost'] === 1,
  ],
  [
    'twice, killed just after the first',
    {
      ...nothing,
      numbers: [sent(['yes', 100])],
      taken: [taken('x', 90), taken('x', 5000)],
      killsMs: [95],
    },
    ({ duplicates }) => duplicates['killed-before-settle'] === 1,
  ],
  [
    'twice, killed long after the first',
    {
      ...nothing,
      numbers: [sent(['yes', 100])],
      taken: [taken('x', 90), taken('x', 9000)],
      killsMs: [8000],
    },
    ({ unexplained }) => unexplained.length === 1,
  ],
  [
    'sent twice after a kill',
    {
      ...nothing,
      numbers: [sent(['unanswered', 100], ['yes', 300])],
      taken: [taken('x', 95), taken('y', 290)],
      killsMs: [98],
    },
    ({ duplicates }) => duplicates['session-cut'] === 1,
  ],
  [
    'sent twice without a kill: counted, for only few can be',
    {
      ...nothing,
      numbers: [sent(['unanswered', 100], ['yes', 300])],
      taken: [taken('x', 95), taken('y', 290)],
    },
    ({ duplicates }) => duplicates['answer-crossed'] === 1,
  ],
  [
    'half a mail',
    {
      ...nothing,
      numbers: [sent(['yes', 100])],
      taken: [{ ...taken('x', 90), isExpected: false }],
    },
    ({ broken }) => broken.length === 1,
  ],
]

for (const [name, world, isFound] of cases) {
  test(name, () => {
    const account = reconcile(world)
    assert.ok(isFound(account), JSON.stringify(account))
  })
}
