// What a relay has counted of real mail.

import assert from 'node:assert/strict'
import { afterRefusal, dayMs, emptyRefusals, hourMs } from '#compliance/production.ts'
import type { LateKind, LateRefusalState } from '#compliance/production.ts'
import { describeCheck, site } from '../../../test/support/examined-server.ts'
import { productionRejections } from './production-rejections/check.ts'

const { domain } = site
const nowMs = Date.now()
const alive = { sinceMs: nowMs - 100 * dayMs, aliveAtMs: nowMs - hourMs }

function refused(kind: LateKind, count: number, atMs: number): LateRefusalState {
  const reply = '550 5.1.1 <bob@inst.example> no'
  const facts = { mail: 'trace1', server: 'mail.inst.example', reply, isExpected: false }
  return afterRefusal(emptyRefusals(domain, 'route'), { kind, count, atMs, ...facts })
}

describeCheck(productionRejections, [
  { name: 'no relay was named', server: {}, kind: 'not-applicable', subtype: 'no-relay' },
  {
    name: 'another server than the one the mail goes to',
    server: {},
    production: [],
    kind: 'not-applicable',
    subtype: 'no-relay',
  },
  {
    name: 'the relay has never run',
    server: {},
    production: [{ domain, counting: null, state: null }],
    kind: 'undetermined',
    subtype: 'not-counted',
  },
  {
    name: 'the relay does not run any more',
    server: {},
    production: [{ domain, counting: { ...alive, aliveAtMs: nowMs - 3 * hourMs }, state: null }],
    kind: 'undetermined',
    subtype: 'not-counted',
  },
  {
    name: 'nothing was refused',
    server: {},
    production: [{ domain, counting: alive, state: null }],
    kind: 'met',
    also: ({ summary }) => assert.match(summary.en, /how much mail came is not counted/),
  },
  {
    name: 'two recipients in an hour',
    server: {},
    production: [{ domain, counting: alive, state: refused('recipient', 2, nowMs - 1000) }],
    kind: 'met',
  },
  {
    name: 'a mail, two days ago',
    server: {},
    production: [{ domain, counting: alive, state: refused('content', 1, nowMs - 2 * dayMs) }],
    kind: 'met',
  },
  {
    name: 'a mail after DATA',
    server: {},
    production: [{ domain, counting: alive, state: refused('content', 1, nowMs - 1000) }],
    kind: 'violated',
    subtype: 'data-rejection',
    also: (finding) => assert.ok(!JSON.stringify(finding).includes('bob@')),
  },
  {
    name: 'three recipients; and the server is down',
    server: {},
    target: { port: 1 },
    production: [{ domain, counting: alive, state: refused('recipient', 3, nowMs - 1000) }],
    kind: 'violated',
    subtype: 'contradicts-itself',
  },
])
