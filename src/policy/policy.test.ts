import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServedDomain } from '#registry/registry.ts'
import { unknownProfile } from '#registry/server-profile.ts'
import {
  contentLimitBytes,
  judgeContent,
  judgeRcpt,
  type ContentFacts,
  type RcptFacts,
} from './policy.ts'

const route: ServedDomain['route'] = {
  id: 'x',
  endpoints: [{ kind: 'host', host: 'mail.inst.example', port: 25 }],
  tls: 'opportunistic',
  trust: { names: [], ca: null, pins: [] },
  isXclient: false,
}

const domain: ServedDomain = {
  domain: 'inst.example',
  suspension: null,
  route,
  calloutRoute: route,
  profile: unknownProfile,
  byHand: unknownProfile,
  measured: null,
  subaddressSeparator: null,
  replyPatterns: [],
  contact: '',
  createdAtMs: 0,
  changedAtMs: 0,
}

const suspended: ServedDomain = { ...domain, suspension: { reason: '', sinceMs: 0 } }

const refusing: ServedDomain = {
  ...domain,
  domain: 'refusing.example',
  profile: { ...unknownProfile, refusesAtData: true },
}
const elsewhere: ServedDomain = {
  ...domain,
  domain: 'other.example',
  route: { ...route, id: 'y' },
}
const lined: ServedDomain = {
  ...domain,
  domain: 'lined.example',
  byHand: { ...unknownProfile, maxLineBytes: 998 },
}

const rcpt: RcptFacts = {
  domain,
  local: 'anna',
  isRoutingAccepted: false,
  parameters: { sizeBytes: null, is8BitMime: false, isSmtpUtf8: false },
  maxMessageBytes: 1000,
  takenMaxMessageBytes: null,
  taken: [],
}

function declared(sizeBytes: number): RcptFacts['parameters'] {
  return { ...rcpt.parameters, sizeBytes }
}

const rcptCases: Readonly<Record<string, readonly [Partial<RcptFacts>, string | null]>> = {
  'nothing special': [{}, null],
  suspended: [{ domain: suspended }, 'defer domain-suspended'],
  'suspended and too large: not destroyed': [
    { domain: suspended, parameters: declared(1001) },
    'defer domain-suspended',
  ],
  'a percent hack': [{ local: 'bob%other.example' }, 'reject routed-recipient'],
  'a bang path': [{ local: 'other.example!bob' }, 'reject routed-recipient'],
  'a quoted address': [{ local: '"bob@other.example"' }, 'reject routed-recipient'],
  'a full-width percent sign': [{ local: 'bob\uff05other.example' }, 'reject routed-recipient'],
  'a small at sign': [{ local: 'bob\ufe6bother.example' }, 'reject routed-recipient'],
  'a route to a suspended domain': [
    { local: 'bob%other.example', domain: suspended },
    'reject routed-recipient',
  ],
  'a route where they are accepted': [{ local: 'bob%x', isRoutingAccepted: true }, null],
  'a return path of a list, a tagged one and a local part of everything else': [
    { local: "list+bob=other.example'#$&*-/?^_`{|}~" },
    null,
  ],
  'declared at the limit': [{ parameters: declared(1000) }, null],
  'declared above the limit': [{ parameters: declared(1001) }, 'reject too-large-for-recipient'],
  'another limit than before': [{ takenMaxMessageBytes: 2000 }, 'defer separate-transaction'],
  'the same limit as before': [{ takenMaxMessageBytes: 1000 }, null],
  'another limit, declared and within it': [
    { takenMaxMessageBytes: 2000, parameters: declared(10) },
    null,
  ],
  'a domain that refuses content, alone': [{ domain: refusing }, null],
  'a domain that refuses content, after another route': [
    { domain: refusing, taken: [{ domain: elsewhere }] },
    'defer separate-transaction',
  ],
  'another route after one that refuses content': [
    { domain: elsewhere, taken: [{ domain }, { domain: refusing }] },
    'defer separate-transaction',
  ],
  'the same route beside one that refuses content': [{ taken: [{ domain: refusing }] }, null],
  'two routes that refuse nothing': [{ domain: elsewhere, taken: [{ domain }] }, null],
  'a limit of lines beside none': [
    { domain: lined, taken: [{ domain }] },
    'defer separate-transaction',
  ],
  '8-bit content, taken by measurement or not': [
    {
      domain: { ...domain, profile: { ...unknownProfile, takes8BitMime: false } },
      parameters: { ...rcpt.parameters, is8BitMime: true },
    },
    null,
  ],
  '8-bit content where a person has said no': [
    {
      domain: { ...domain, byHand: { ...unknownProfile, takes8BitMime: false } },
      parameters: { ...rcpt.parameters, is8BitMime: true },
    },
    'reject 8bitmime-unsupported',
  ],
}

for (const [name, [facts, expected]] of Object.entries(rcptCases)) {
  test(`RCPT, ${name}: ${expected ?? 'no objection'}`, () => {
    const objection = judgeRcpt({ ...rcpt, ...facts })
    assert.equal(objection && `${objection.kind} ${objection.reason.kind}`, expected)
  })
}

const content: ContentFacts = {
  sizeBytes: 500,
  isTooLarge: false,
  maxMessageBytes: 1000,
  hasBareNewline: false,
  hopCount: 3,
  maxHopCount: 50,
  maxHeaderBytes: 262_144,
}

const contentCases: Readonly<Record<string, readonly [Partial<ContentFacts>, string | null]>> = {
  'nothing special': [{}, null],
  'too large': [{ isTooLarge: true }, 'reject too-large'],
  'a bare newline': [{ hasBareNewline: true }, 'reject bare-newline'],
  'a header section without end': [{ hopCount: null }, 'reject header-too-large'],
  'a hop below the limit': [{ hopCount: 49 }, null],
  'the limit of hops': [{ hopCount: 50 }, 'reject loop'],
  'too large before all others': [
    { isTooLarge: true, hasBareNewline: true, hopCount: null },
    'reject too-large',
  ],
}

for (const [name, [facts, expected]] of Object.entries(contentCases)) {
  test(`content, ${name}: ${expected ?? 'no objection'}`, () => {
    const objection = judgeContent({ ...content, ...facts })
    assert.equal(objection && `${objection.kind} ${objection.reason.kind}`, expected)
  })
}

const limits: readonly (readonly [number, number])[] = [
  [800, 801],
  [799, 799],
  [52_428_800, 52_428_800 + 65_536],
  [1_000_000_000, 1_000_000_000 + 65_536],
]

for (const [limit, allowed] of limits) {
  test(`a limit of ${limit} bytes allows ${allowed}`, () => {
    assert.equal(contentLimitBytes(limit), allowed)
  })
}
