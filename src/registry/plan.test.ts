import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planChanges, toRegistryChanges } from './plan.ts'
import type { ServedDomain } from './registry.ts'
import { createServedDomain, type DomainDocument } from './served-domain.ts'

const a = served({ domain: 'a.example', to: ['mail.a.example:25'] }, 1000)
const b = served({ domain: 'b.example', to: ['mail.b.example:25'], contact: 'b' }, 1000)
const c = served({ domain: 'c.example', to: ['mail.c.example:25'] }, 1000)

test('the same list twice changes nothing', () => {
  const again = [b, a].map((each) => ({ ...each, createdAtMs: 2000, changedAtMs: 2000 }))
  assert.deepEqual(planChanges([a, b], again, true), { changes: [], keptDomains: [] })
})

test('added, changed with its fields, removed: sorted by name', () => {
  const changed = served(
    { domain: 'b.example', to: ['mail.b.example:25'], tls: 'verify', maxSize: '1MiB' },
    2000,
  )
  const plan = planChanges([b, c], [changed, a], true)
  assert.deepEqual(
    plan.changes.map(({ kind, domain }) => [kind, domain.domain]),
    [
      ['add', 'a.example'],
      ['change', 'b.example'],
      ['remove', 'c.example'],
    ],
  )
  const change = plan.changes[1]
  assert.deepEqual(change?.kind === 'change' && change.fields, [
    { field: 'tls', from: null, to: '"verify"' },
    { field: 'maxSize', from: null, to: '"1MiB"' },
    { field: 'contact', from: '"b"', to: null },
  ])
  assert.deepEqual([change?.domain.createdAtMs, change?.domain.changedAtMs], [1000, 2000])
  assert.deepEqual(toRegistryChanges(plan), [
    { kind: 'put', domain: a },
    { kind: 'put', domain: change?.domain },
    { kind: 'remove', domain: 'c.example' },
  ])
})

test('without pruning nothing is removed, and it is said what was kept', () => {
  const plan = planChanges([a, b, c], [], false)
  assert.deepEqual(plan, { changes: [], keptDomains: ['a.example', 'b.example', 'c.example'] })
})

function served(document: DomainDocument, nowMs: number): ServedDomain {
  const result = createServedDomain(document, nowMs)
  assert.ok(result.ok)
  return result.value
}
