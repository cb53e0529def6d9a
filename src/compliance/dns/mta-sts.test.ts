import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allowsHost, parsePolicy } from './mta-sts.ts'

const whole =
  'version: STSv1\r\nmode: enforce\r\nmx: Mail.example.org\r\nmx: *.relay.example\r\nmax_age: 604800\r\n'

test('a policy, its lines in any order and with either end', () => {
  const policy = parsePolicy(whole)
  assert.deepEqual(policy, {
    ok: true,
    value: { mode: 'enforce', maxAgeSeconds: 604_800, mx: ['mail.example.org', '*.relay.example'] },
  })
  assert.deepEqual(
    parsePolicy(whole.replaceAll('\r\n', '\n').split('\n').toReversed().join('\n')).ok,
    true,
  )
  assert.equal(parsePolicy('version: STSv1\nmode: none\nmax_age: 1').ok, true)
  assert.equal(parsePolicy(`${whole}something: else\n`).ok, true)
})

describe('is no policy', () => {
  for (const [name, body] of [
    ['nothing', ''],
    ['a page', '<html>Not found</html>'],
    ['another version', whole.replace('STSv1', 'STSv2')],
    ['no mode', whole.replace('mode: enforce', '')],
    ['an unknown mode', whole.replace('enforce', 'enforced')],
    ['no age', whole.replace('max_age: 604800', '')],
    ['an age that is no number', whole.replace('604800', '1w')],
    ['no mx', whole.replaceAll(/mx:.*\r\n/g, '')],
  ] as const) {
    test(name, () => assert.equal(parsePolicy(body).ok, false))
  }
})

test('a wildcard is one whole label', () => {
  const policy = parsePolicy(whole)
  assert.ok(policy.ok)
  for (const [host, isAllowed] of [
    ['mail.example.org', true],
    ['a.relay.example', true],
    ['relay.example', false],
    ['a.b.relay.example', false],
    ['arelay.example', false],
    ['mail.example.org.evil.example', false],
  ] as const) {
    assert.equal(allowsHost(policy.value, host), isAllowed, host)
  }
})
