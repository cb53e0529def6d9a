import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MeasuredProfile, ServerProfile } from '#registry/registry.ts'
import { unknownProfile } from '#registry/server-profile.ts'
import type { Check, Finding, FindingKind } from './check.ts'
import { met, undetermined, violated } from './check.ts'
import type { Report } from './compliance.ts'
import { measuredProfile } from './measured.ts'
import type { Profile } from './profile.ts'
import { text } from './text.ts'

interface Seen {
  readonly profile?: Profile
  /** The verdict of a check, or the subtype of its violation. */
  readonly findings?: Readonly<Record<string, FindingKind | 'data-rejection'>>
  readonly before?: Partial<ServerProfile>
  readonly server?: string
}

function findingOf(kind: FindingKind | 'data-rejection'): Finding {
  const words = text('x', 'x')
  if (kind === 'met') return met(words)
  if (kind === 'undetermined' || kind === 'not-applicable') return undetermined(words)
  const remedy = { text: words, snippets: [] }
  return violated(words, kind === 'violated' ? { remedy } : { remedy, subtype: kind })
}

function measure({ profile = {}, findings = {}, before = {}, server }: Seen): ServerProfile {
  const outcomes = Object.entries(findings).map(([id, kind]) => ({
    check: { id } as Check,
    finding: findingOf(kind),
    ms: 1,
  }))
  const target = { host: 'mail.inst.example', port: 25 }
  const report = { target, startedAtMs: 2000, profile, outcomes } as unknown as Report
  const earlier: MeasuredProfile = {
    server: server ?? 'mail.inst.example:25',
    atMs: 1000,
    profile: { ...unknownProfile, ...before },
  }
  const { atMs, server: name, profile: measured } = measuredProfile(report, earlier)
  assert.deepEqual([atMs, name], [2000, 'mail.inst.example:25'])
  return measured
}

const cases: Readonly<Record<string, readonly [Seen, Partial<ServerProfile>]>> = {
  'a small server': [{ profile: { maxMessageBytes: 10_240_000 } }, { maxMessageBytes: 10_174_464 }],
  'a server that takes more than enough': [
    { profile: { maxMessageBytes: 60_000_000 }, before: { maxMessageBytes: 5 } },
    {},
  ],
  'what was not looked at stays': [
    { before: { maxMessageBytes: 5, maxConnectionCount: 2, maxLineBytes: 998 } },
    { maxMessageBytes: 5, maxConnectionCount: 2, maxLineBytes: 998 },
  ],
  'what was found at another server does not': [
    { before: { maxConnectionCount: 2 }, server: 'old.inst.example:25' },
    {},
  ],
  'a limit of connections that is gone': [
    { findings: { 'no-rate-limit-connections': 'met' }, before: { maxConnectionCount: 2 } },
    {},
  ],
  'one that could not be looked at': [
    {
      findings: { 'no-rate-limit-connections': 'undetermined' },
      before: { maxConnectionCount: 2 },
    },
    { maxConnectionCount: 2 },
  ],
  'without 8BITMIME, and nothing is known of its content': [
    { profile: { isEightBitMime: false } },
    {},
  ],
  'without 8BITMIME, and such content is refused': [
    {
      profile: { isEightBitMime: false, refusesAtData: true },
      findings: { 'data-clean': 'met', 'data-8bit': 'data-rejection' },
    },
    { takes8BitMime: false, refusesAtData: true },
  ],
  'any content is refused: that says nothing about 8-bit or lines': [
    {
      profile: { isEightBitMime: false, refusesAtData: true, maxLineBytes: 998 },
      findings: { 'data-clean': 'data-rejection', 'data-8bit': 'data-rejection' },
    },
    { refusesAtData: true },
  ],
  'long lines are refused': [
    {
      profile: { refusesAtData: true, maxLineBytes: 998 },
      findings: { 'data-clean': 'met', 'data-long-line': 'data-rejection' },
    },
    { refusesAtData: true, maxLineBytes: 998 },
  ],
  'long lines are taken now': [
    { findings: { 'data-long-line': 'met' }, before: { maxLineBytes: 998, refusesAtData: true } },
    { refusesAtData: true },
  ],
  'no filter refuses any more': [
    {
      findings: {
        'data-clean': 'met',
        'data-spam': 'met',
        'data-virus': 'met',
        'data-attachment': 'met',
      },
      before: { refusesAtData: true },
    },
    {},
  ],
  'the sender of questions': [
    { profile: { calloutSender: 'mailbox', isSmtpUtf8: true } },
    { calloutSender: 'mailbox', takesSmtpUtf8: true },
  ],
  'no mail at all on a connection says nothing': [{ profile: { mailsPerConnection: 0 } }, {}],
}

for (const [name, [seen, expected]] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(measure(seen), { ...unknownProfile, ...expected }))
}

test('refused questions of a connection: one less than was too much', () => {
  const outcome = (kind: FindingKind): unknown => [
    { check: { id: 'rcpt-order-independence' } as Check, finding: findingOf(kind), ms: 1 },
  ]
  const after = (kind: FindingKind, count?: number, before: number | null = null): unknown => {
    const target = { host: 'mail.inst.example', port: 25 }
    const profile = count === undefined ? {} : { calloutErrorsPerConnection: count }
    const report = { target, startedAtMs: 2, profile, outcomes: outcome(kind) }
    return measuredProfile(report as unknown as Report, {
      server: 'mail.inst.example:25',
      atMs: 1,
      profile: unknownProfile,
      maxRefusalsPerConnection: before,
    }).maxRefusalsPerConnection
  }
  assert.equal(after('violated', 3), 2)
  assert.equal(after('violated', 1), 1)
  assert.equal(after('met', 11, 2), null, 'slowed down only')
  assert.equal(after('met', undefined, 2), null)
  assert.equal(after('undetermined', undefined, 2), 2)
  assert.equal(
    after('violated', undefined, 2),
    2,
    'within one transaction, where nobody is asked so',
  )
})
