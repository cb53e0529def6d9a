import assert from 'node:assert/strict'
import { test } from 'node:test'
import { servedDomain } from '../../test/support/scripted-next-hops.ts'
import { subjectLocal, subjectOf } from './subject.ts'

const cases: readonly (readonly [separator: string | null, local: string, subject: string])[] = [
  [null, 'a+b', 'a+b'],
  ['+', 'a+b', 'a'],
  ['+', 'a+b+c', 'a'],
  ['+', 'a', 'a'],
  ['+', '+b', '+b'], // nothing would be left
  ['-', 'a-b', 'a'],
  ['+', '"a+b"', '"a+b"'],
  ['+', 'A+b', 'A'], // local parts are kept as written
]

for (const [separator, local, subject] of cases) {
  test(`${local} with ${separator ?? 'no separator'} is ${subject}`, () => {
    assert.equal(subjectLocal(separator, local), subject)
  })
}

test('the subject is at the served domain', () => {
  const domain = servedDomain('inst.example', { subaddressSeparator: '+' })
  const mailbox = { local: 'a+b', domain: 'inst.example' }
  assert.deepEqual(subjectOf(domain, mailbox), { local: 'a', domain: 'inst.example' })
})
