import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { noAnswer, peerReply, scriptedNextHops } from '../../test/support/scripted-next-hops.ts'
import { decide, type AgeRules, type Decision, type Situation } from './decide.ts'
import { emptyEntry, type LastAnswer, type RecipientEntry, type Standing } from './entry.ts'
import type { CalloutOutcome, UnknownCause } from './recipients.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const now = 100 * day

const rules: AgeRules = {
  positiveFreshMs: 24 * hour,
  positiveRefreshMs: 12 * hour,
  positiveStaleMs: 31 * day,
  negativeFreshMs: minute,
  negativeLimitMs: 5 * minute,
  demoteAfterMs: 10 * minute,
}

const unknownUser = peerReply('550 5.1.1 User unknown')

function entry(standing: Standing | null, changes: Partial<RecipientEntry> = {}): RecipientEntry {
  const last: LastAnswer = {
    outcome: 'deliverable',
    source: 'probe',
    reply: '',
    stage: 'rcpt',
    nextHop: scriptedNextHops().facts,
    atMs: standing?.atMs ?? now,
    tookMs: 1,
  }
  return { ...emptyEntry('inst.example', 'x'), standing, last, ...changes }
}

function positive(ageMs: number, changes: Partial<RecipientEntry> = {}): RecipientEntry {
  return entry({ kind: 'positive', atMs: now - ageMs, routeId: 'r' }, changes)
}

function negative(ageMs: number, changes: Partial<RecipientEntry> = {}): RecipientEntry {
  const standing = { kind: 'negative', atMs: now - ageMs, routeId: 'r' } as const
  return entry({ ...standing, server: 'mail.inst.example', reply: unknownUser }, changes)
}

const outcomes = {
  deliverable: { kind: 'deliverable', reply: peerReply('250 Ok') },
  undeliverable: { kind: 'undeliverable', reply: unknownUser },
  'no answer': unknown({ kind: 'no-answer', noAnswer: noAnswer('timeout', 'connect') }),
  'ehlo 550': unknown({
    kind: 'no-answer',
    noAnswer: noAnswer('refused', 'ehlo', peerReply('550 go away')),
  }),
  deferred: unknown({ kind: 'deferred', reply: peerReply('450 4.2.0 Greylisted') }),
  policy: unknown({ kind: 'refused-policy', reply: peerReply('554 5.7.1 no') }),
  'mailbox full': unknown({ kind: 'mailbox-full', reply: peerReply('552 5.2.2 full') }),
  'too big': unknown({ kind: 'too-big', reply: peerReply('552 5.3.4 big') }),
  unverified: unknown({ kind: 'unverified', reply: peerReply('252 maybe') }),
  'no smtputf8': unknown({ kind: 'no-answer', noAnswer: noAnswer('smtputf8-unsupported', 'ehlo') }),
} as const satisfies Record<string, CalloutOutcome>

function unknown(cause: UnknownCause): CalloutOutcome & { readonly kind: 'unknown' } {
  return { kind: 'unknown', cause }
}

function situation(changes: Partial<Situation> = {}): Situation {
  return {
    entry: undefined,
    live: null,
    isTargetDown: false,
    isCatchAll: false,
    routeId: 'r',
    server: 'mail.inst.example',
    smtpUtf8: 'not-needed',
    nowMs: now,
    ...changes,
  }
}

function live(outcome: CalloutOutcome): Situation['live'] {
  return { outcome, server: 'mail.inst.example', tookMs: 7 }
}

/** `ask`, `accept`, `accept refresh`, `accept unsure`, or the reason; then the source. */
function say(decision: Decision): string {
  if (decision.kind === 'ask') return 'ask'
  const { verdict, source, isKnownGood } = decision.answer
  const words = verdict.kind === 'accept' ? ['accept'] : [verdict.reason.kind]
  if (verdict.kind === 'accept' && !isKnownGood) words.push('unsure')
  if (decision.refresh) words.push('refresh')
  return [...words, `(${source})`].join(' ')
}

type Row = readonly [name: string, entry: RecipientEntry | undefined, up: string, down: string]

const down451 = 'next-hop-unreachable (cache)'
const pin = { pinnedUntilMs: now + 1 }
const listedLongAgo = { listedAtMs: now - 300 * day }

const remembered: readonly Row[] = [
  ['nothing', undefined, 'ask', down451],
  ['an unknown outcome only', entry(null), 'ask', down451],
  ['positive, fresh', positive(hour), 'accept (cache)', 'accept (cache)'],
  ['positive, fresh to the end', positive(24 * hour), 'accept refresh (cache)', 'accept (cache)'],
  [
    'positive, past the refresh age',
    positive(12 * hour),
    'accept refresh (cache)',
    'accept (cache)',
  ],
  ['positive, stale', positive(24 * hour + 1), 'ask', 'accept (cache)'],
  ['positive, almost past the stale limit', positive(31 * day - 1), 'ask', 'accept (cache)'],
  ['positive, past the stale limit', positive(31 * day), 'ask', down451],
  ['negative, fresh', negative(minute), 'recipient-unknown (cache)', 'recipient-unknown (cache)'],
  ['negative, older', negative(minute + 1), 'ask', 'recipient-unknown (cache)'],
  ['negative, at the limit', negative(5 * minute), 'ask', 'recipient-unknown (cache)'],
  ['negative, past the limit', negative(5 * minute + 1), 'ask', down451],
  ['negative, from the future', negative(-1), 'ask', down451],
  ['pinned', entry(null, pin), 'accept (pin)', 'accept (pin)'],
  ['pinned, negative, fresh', negative(0, pin), 'accept (pin)', 'accept (pin)'],
  ['pin run out', entry(null, { pinnedUntilMs: now }), 'ask', down451],
  [
    'listed',
    entry(null, { ...listedLongAgo, last: null }),
    'accept refresh (list)',
    'accept (list)',
  ],
  ['listed, asked a moment ago', entry(null, listedLongAgo), 'accept (list)', 'accept (list)'],
  ['listed, positive fresh', positive(hour, listedLongAgo), 'accept (cache)', 'accept (cache)'],
  [
    'listed, positive very old',
    positive(40 * day, listedLongAgo),
    'accept refresh (list)',
    'accept (cache)',
  ],
  [
    'listed, refused since',
    negative(0, listedLongAgo),
    'recipient-unknown (cache)',
    'recipient-unknown (cache)',
  ],
  ['listed, refused since, older', negative(hour, listedLongAgo), 'ask', down451],
  [
    'listed after it was refused',
    negative(30, { listedAtMs: now }),
    'accept (list)',
    'accept (list)',
  ],
  [
    'positive, refused once by a refresh a moment ago',
    positive(13 * hour, { refusedAtMs: now - minute, last: entry(null, {}).last }),
    'accept (cache)',
    'accept (cache)',
  ],
]

for (const [name, known, up, down] of remembered) {
  test(`${name}: ${up}; target down: ${down}`, () => {
    assert.equal(say(decide(situation({ entry: known }), rules)), up)
    assert.equal(say(decide(situation({ entry: known, isTargetDown: true }), rules)), down)
  })
}

type LiveRow = readonly [
  outcome: keyof typeof outcomes,
  entry: RecipientEntry | undefined,
  said: string,
]

const answered: readonly LiveRow[] = [
  ['deliverable', undefined, 'accept (live)'],
  ['deliverable', negative(hour), 'accept (live)'],
  ['undeliverable', undefined, 'recipient-unknown (live)'],
  ['undeliverable', positive(25 * hour), 'recipient-unknown (live)'],
  ['undeliverable', positive(0, pin), 'accept (pin)'],
  ['no answer', undefined, 'next-hop-unreachable (live)'],
  ['no answer', positive(25 * hour), 'accept (cache)'],
  ['no answer', positive(31 * day), 'next-hop-unreachable (live)'],
  ['no answer', negative(2 * minute), 'recipient-unknown (cache)'],
  ['no answer', negative(6 * minute), 'next-hop-unreachable (live)'],
  ['no answer', entry(null, listedLongAgo), 'accept (list)'],
  ['ehlo 550', undefined, 'next-hop-unreachable (live)'],
  ['ehlo 550', positive(25 * hour), 'accept (cache)'],
  ['deferred', undefined, 'next-hop-deferred (live)'],
  ['deferred', positive(25 * hour), 'next-hop-deferred (live)'],
  ['policy', undefined, 'next-hop-policy (live)'],
  ['mailbox full', undefined, 'mailbox-full (live)'],
  ['too big', undefined, 'too-large-for-recipient (live)'],
  ['unverified', undefined, 'next-hop-unreachable (live)'],
  ['no smtputf8', undefined, 'smtputf8-unsupported (live)'],
  ['no smtputf8', positive(hour), 'smtputf8-unsupported (live)'],
]

for (const [outcome, known, said] of answered) {
  const standing = known?.standing?.kind ?? 'nothing'
  test(`asked: ${outcome}, remembered ${standing}: ${said}`, () => {
    const decision = decide(situation({ entry: known, live: live(outcomes[outcome]) }), rules)
    assert.equal(say(decision), said)
    assert.ok(decision.kind === 'answer' && decision.answer.tookMs === 7)
  })
}

test('a catch-all target is believed while it is up and not in an outage', () => {
  const isCatchAll = true
  const decided = (changes: Partial<Situation>): string =>
    say(decide(situation({ isCatchAll, ...changes }), rules))
  assert.equal(decided({ entry: positive(hour) }), 'accept unsure (cache)')
  assert.equal(decided({ entry: positive(hour), isTargetDown: true }), down451)
  assert.equal(decided({ live: live(outcomes.deliverable) }), 'accept unsure (live)')
  const listed = positive(hour, listedLongAgo)
  assert.equal(decided({ entry: listed, isTargetDown: true }), 'accept (cache)')
  assert.equal(decided({ entry: listed }), 'accept (cache)')
})

test('another route than the one that answered: the answer counts only in an outage, and only a yes', () => {
  const decided = (changes: Partial<Situation>): string =>
    say(decide(situation({ routeId: 'other', ...changes }), rules))
  assert.equal(decided({ entry: positive(hour) }), 'ask')
  assert.equal(decided({ entry: negative(0) }), 'ask')
  assert.equal(decided({ entry: positive(hour), isTargetDown: true }), 'accept (cache)')
  assert.equal(decided({ entry: negative(0), isTargetDown: true }), down451)
})

test('SMTPUTF8: asked when it is not known, refused when it is missing', () => {
  const decided = (changes: Partial<Situation>): string =>
    say(decide(situation({ entry: positive(hour), ...changes }), rules))
  assert.equal(decided({ smtpUtf8: 'offered' }), 'accept (cache)')
  assert.equal(decided({ smtpUtf8: 'unknown' }), 'ask')
  assert.equal(decided({ smtpUtf8: 'unknown', isTargetDown: true }), 'accept (cache)')
  assert.equal(decided({ smtpUtf8: 'missing' }), 'smtputf8-unsupported (cache)')
  assert.equal(decided({ smtpUtf8: 'missing', isTargetDown: true }), 'smtputf8-unsupported (cache)')
  assert.equal(decided({ smtpUtf8: 'missing', entry: undefined }), 'ask')
  // A measurement decides only while the server cannot say it itself.
  const measured = { smtpUtf8: 'measured-missing' } as const
  assert.equal(decided(measured), 'ask')
  assert.equal(decided({ ...measured, isTargetDown: true }), 'next-hop-unreachable (cache)')
  assert.equal(decided({ smtpUtf8: 'unknown', entry: entry(null, pin) }), 'ask')
})

test('the texts say who, at which stage and why', () => {
  const unreachable = decide(situation({ live: live(outcomes['ehlo 550']) }), rules)
  assert.deepEqual(unreachable.kind === 'answer' && unreachable.answer.verdict, {
    kind: 'defer',
    reason: {
      kind: 'next-hop-unreachable',
      server: 'mail.inst.example',
      detail: 'ehlo: 550 go away',
    },
  })
})

const times = fc.integer({ min: -day, max: 40 * day })
const routes = fc.constantFrom('r', 'other')
const entries = fc.option(
  fc
    .record({
      age: times,
      routeId: routes,
      kind: fc.constantFrom('positive', 'negative', 'none'),
      pinnedUntilMs: fc.constantFrom(0, now - 1, now + 1),
      listedAtMs: fc.option(times.map((age) => now - age)),
    })
    .map(({ age, routeId, kind, pinnedUntilMs, listedAtMs }) => {
      const vouched = { pinnedUntilMs, listedAtMs }
      if (kind === 'none') return entry(null, vouched)
      const known = kind === 'positive' ? positive(age, vouched) : negative(age, vouched)
      const { standing } = known
      return { ...known, standing: standing === null ? null : { ...standing, routeId } }
    }),
  { nil: undefined },
)
const situations = fc.record({
  entry: entries,
  live: fc.option(fc.constantFrom(...Object.values(outcomes)).map(live)),
  isTargetDown: fc.boolean(),
  isCatchAll: fc.boolean(),
  routeId: fc.constant('r'),
  server: fc.constant('mail.inst.example'),
  smtpUtf8: fc.constantFrom('not-needed', 'offered', 'missing', 'measured-missing', 'unknown'),
  nowMs: fc.constant(now),
}) satisfies fc.Arbitrary<Situation>

function isRefused(decision: Decision): boolean {
  return (
    decision.kind === 'answer' &&
    decision.answer.verdict.kind === 'reject' &&
    decision.answer.verdict.reason.kind === 'recipient-unknown'
  )
}

test('property: no 550 without the next hop’s own "no such mailbox", live or young and standing', () => {
  fc.assert(
    fc.property(situations, (given) => {
      if (!isRefused(decide(given, rules))) return
      const standing = given.entry?.standing
      const isYoung = standing?.kind === 'negative' && now - standing.atMs <= rules.negativeLimitMs
      assert.ok(given.live?.outcome.kind === 'undeliverable' || isYoung)
    }),
  )
})

test('property: losing the cache never turns an accept into a reject', () => {
  fc.assert(
    fc.property(situations, (given) => {
      const known = decide(given, rules)
      if (known.kind === 'ask' || known.answer.verdict.kind !== 'accept') return
      const lost = decide({ ...given, entry: undefined }, rules)
      const isOwnWord = given.live?.outcome.kind === 'undeliverable' // a pin was lost
      const said = lost.kind === 'answer' ? lost.answer.verdict.kind : 'ask'
      const isSizeOrUtf8 = lost.kind === 'answer' && !isRefused(lost) && said === 'reject'
      assert.ok(said !== 'reject' || isOwnWord || isSizeOrUtf8)
    }),
  )
})

test('property: a live answer always decides, and an open breaker never asks', () => {
  fc.assert(
    fc.property(situations, (given) => {
      const decision = decide(given, rules)
      if (given.live !== null || given.isTargetDown) assert.equal(decision.kind, 'answer')
      if (decision.kind === 'answer' && decision.refresh) assert.equal(given.isTargetDown, false)
    }),
  )
})
