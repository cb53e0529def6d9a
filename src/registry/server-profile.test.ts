import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MeasuredProfile, ServedDomain } from './registry.ts'
import { createServedDomain, withHistoryOf, type DomainDocument } from './served-domain.ts'
import { routeLimits, unknownProfile, withMeasured } from './server-profile.ts'

function served(document: Partial<DomainDocument> = {}): ServedDomain {
  const created = createServedDomain(
    { domain: 'inst.example', to: ['mail.inst.example'], ...document },
    1000,
  )
  assert.ok(created.ok)
  return created.value
}

const measured: MeasuredProfile = {
  server: 'mail.inst.example:25',
  atMs: 2000,
  profile: { ...unknownProfile, maxConnectionCount: 3, takesSmtpUtf8: false, refusesAtData: true },
}

test('what is set by hand is in force, whatever was measured; the rest is what was measured', () => {
  const domain = withMeasured(served({ maxConnections: 10, refusesAtData: false }), measured)
  assert.deepEqual(domain.profile, {
    ...unknownProfile,
    maxConnectionCount: 10,
    refusesAtData: false,
    takesSmtpUtf8: false,
  })
  assert.deepEqual(withMeasured(domain, null).profile, domain.byHand)
})

test('a measurement stays as long as the mail goes to the same server', () => {
  const domain = withMeasured(served(), measured)
  const kept = withHistoryOf(served({ contact: 'x', tls: 'none', maxSize: '1MiB' }), domain)
  assert.equal(kept.measured, measured)
  assert.equal(kept.profile.maxConnectionCount, 3)
  assert.equal(kept.profile.maxMessageBytes, 1_048_576)
  const moved = withHistoryOf(served({ to: ['other.inst.example'] }), domain)
  assert.equal(moved.measured, null)
  assert.equal(moved.profile.maxConnectionCount, null)
})

test('the limits of a route are the least of its domains, for its callout too', () => {
  const a = served({
    maxConnections: 5,
    mailsPerConnection: 10,
    callout: ['mail.inst.example:2525'],
  })
  const b = served({ domain: 'b.example', maxConnections: 2 })
  const c = served({ domain: 'c.example', to: ['other.example'] })
  const limits = routeLimits([a, b, c])
  assert.deepEqual(limits.get(a.route.id), {
    maxConnectionCount: 2,
    maxMailsPerConnection: 10,
    maxRefusalsPerConnection: null,
  })
  assert.deepEqual(limits.get(a.calloutRoute.id), {
    maxConnectionCount: 5,
    maxMailsPerConnection: 10,
    maxRefusalsPerConnection: null,
  })
  assert.equal(limits.has(c.route.id), false)
})

test('how many refused questions a connection bears is measured only, and of the least of a route', () => {
  const [one, two] = [4, 2].map((count) =>
    withMeasured(served(), {
      ...measured,
      profile: unknownProfile,
      maxRefusalsPerConnection: count,
    }),
  )
  assert.ok(one !== undefined && two !== undefined)
  assert.deepEqual(routeLimits([one, two]).get(one.route.id), {
    maxConnectionCount: null,
    maxMailsPerConnection: null,
    maxRefusalsPerConnection: 2,
  })
})
