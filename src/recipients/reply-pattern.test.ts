import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matchesPattern } from './reply-pattern.ts'

const cases: readonly (readonly [pattern: string, text: string, isMatch: boolean])[] = [
  ['550 unknown', '550 Unknown', true],
  ['550 unknown', '550 unknown user', false],
  ['550*', '550 unknown user', true],
  ['*user*', '550 unknown USER here', true],
  ['550*here', '550 unknown user here', true],
  ['550*there', '550 unknown user here', false],
  ['ab*ba', 'aba', false], // the two ends may not share a character
  ['a*b*c', 'a c b c', true],
  ['a*b*b', 'a b', false],
  ['*', '', true],
  ['', '', true],
  ['', 'x', false],
  ['**', 'x', true],
]

for (const [pattern, text, isMatch] of cases) {
  test(`'${pattern}' ${isMatch ? 'fits' : 'does not fit'} '${text}'`, () => {
    assert.equal(matchesPattern(pattern, text), isMatch)
  })
}

test('property: as the obvious regular expression', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 })
  fc.assert(
    fc.property(letters, text, (pattern, subject) => {
      const expression = new RegExp(`^${pattern.replaceAll(/\*+/g, '.*')}$`)
      assert.equal(matchesPattern(pattern, subject), expression.test(subject))
    }),
  )
})
