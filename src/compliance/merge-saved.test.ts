import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogue } from './catalogue.ts'
import { withEarlier } from './merge-saved.ts'
import type { AskedWith, SavedProfile } from './profile-store.ts'

const asked: AskedWith = {
  domains: ['inst.example'],
  existing: ['anna@inst.example'],
  unknown: ['nobody@inst.example'],
  sources: ['192.0.2.1'],
  helloName: 'relay.example.org',
  senderDomain: 'relay.example.org',
  caFile: '/etc/ca.pem',
}

const before: SavedProfile = {
  domain: 'inst.example',
  server: 'mail.inst.example:25',
  measuredAtMs: 1,
  profile: { maxConnections: 5, mailsPerConnection: 8, isDsn: true },
  verdicts: {
    'banner-220': 'violated',
    'no-rate-limit-connections': 'violated',
    'session-reuse': 'violated',
    'cap-dsn': 'met',
  },
  asked,
}

const narrow: SavedProfile = {
  ...before,
  measuredAtMs: 2,
  profile: { isDsn: false },
  verdicts: { 'banner-220': 'met', 'cap-dsn': 'violated' },
  asked: { ...asked, existing: [], unknown: [], sources: [], caFile: null, helloName: 'other' },
}

test('what a run of a few checks did not look at stays as it was', () => {
  assert.deepEqual(withEarlier(narrow, before), {
    ...narrow,
    profile: { maxConnections: 5, mailsPerConnection: 8, isDsn: false },
    verdicts: { ...before.verdicts, 'banner-220': 'met', 'cap-dsn': 'violated' },
    asked: { ...asked, helloName: 'other' },
  })
})

test('a limit that is in order now ends, and only then', () => {
  const profileAfter = (verdicts: SavedProfile['verdicts']): SavedProfile['profile'] =>
    withEarlier({ ...narrow, profile: {}, verdicts }, before).profile
  const { maxConnections: _ended, ...others } = before.profile
  assert.deepEqual(profileAfter({ 'no-rate-limit-connections': 'met' }), others)
  assert.deepEqual(profileAfter({ 'no-rate-limit-connections': 'undetermined' }), before.profile)
  assert.deepEqual(profileAfter({ 'session-reuse': 'met' }), before.profile, 'one of three checks')
})

test('a run of everything names anew how to ask', () => {
  const whole = { ...narrow, verdicts: before.verdicts }
  assert.deepEqual(withEarlier(whole, before).asked, whole.asked)
})

test('of another server, or of nothing, nothing is kept', () => {
  assert.deepEqual(withEarlier(narrow, null), narrow)
  assert.deepEqual(withEarlier(narrow, { ...before, server: 'old.inst.example:25' }), narrow)
})

test('every value of a profile is forgotten by checks that there are', () => {
  const all = Object.fromEntries(catalogue.map(({ id }) => [id, 'met' as const]))
  const full = { ...before, profile: everything }
  assert.deepEqual(withEarlier({ ...narrow, profile: {}, verdicts: all }, full).profile, {})
})

const everything: Required<SavedProfile['profile']> = {
  maxMessageBytes: 1,
  isEightBitMime: true,
  isSmtpUtf8: true,
  isPipelining: true,
  isChunking: true,
  isBinaryMime: true,
  isDsn: true,
  isEnhancedStatusCodes: true,
  isPrdr: true,
  isStartTls: true,
  maxConnections: 1,
  mailsPerConnection: 1,
  maxRecipients: 1,
  calloutSender: 'null',
  calloutErrorsPerConnection: 1,
  acceptsUnknown: true,
  isSubaddressing: true,
  refusesAtData: true,
  maxLineBytes: 998,
}
