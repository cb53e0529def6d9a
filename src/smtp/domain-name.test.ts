import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isDomainName, parseDomain } from './domain-name.ts'

const label63 = 'a'.repeat(63)

const accepted: readonly (readonly [string, string])[] = [
  ['inst.example', 'inst.example'],
  ['INST.Example', 'inst.example'],
  ['inst.example.', 'inst.example'],
  ['localhost', 'localhost'],
  ['a_b.example', 'a_b.example'],
  ['3com.example', '3com.example'],
  ['1.2.3.a', '1.2.3.a'],
  ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
  ['München.example', 'xn--mnchen-3ya.example'],
  ['MÜNCHEN.EXAMPLE.', 'xn--mnchen-3ya.example'],
  ['münchen。example', 'xn--mnchen-3ya.example'], // U+3002 is a dot (RFC 3490 §3.1)
  ['faß.example', 'xn--fa-hia.example'], // not fass.example: that is another domain
  ['ｅｘａｍｐｌｅ.example', 'example.example'],
  [
    `${label63}.${label63}.${label63}.${'b'.repeat(61)}`,
    `${label63}.${label63}.${label63}.${'b'.repeat(61)}`,
  ],
]

for (const [text, domain] of accepted) {
  test(`parseDomain takes ${text.slice(0, 40)}`, () => {
    assert.deepEqual(parseDomain(text), { ok: true, value: domain })
  })
}

const refused: readonly (readonly [string, string])[] = [
  ['', 'nothing'],
  ['.', 'only a dot'],
  ['a..b', 'empty label'],
  ['.example', 'empty first label'],
  ['inst.example..', 'two final dots'],
  ['-a.example', 'hyphen at the start of a label'],
  ['a-.example', 'hyphen at the end of a label'],
  [`${label63}a.example`, 'label of 64'],
  [`${label63}.${label63}.${label63}.${'b'.repeat(62)}`, '254 characters'],
  ['a'.repeat(100_000), 'far too long'],
  ['192.0.2.7', 'an address'],
  ['127.1', 'an address in the short form'],
  ['0x7f.1', 'an address in hexadecimal'],
  ['a.0x7f', 'ends in a hexadecimal number'],
  ['１９２.0.2.7', 'an address in full-width digits'],
  ['[192.0.2.7]', 'an address literal'],
  ['2001:db8::7', 'an IPv6 address'],
  ['inst.example:25', 'a port'],
  ['inst example', 'a space'],
  ['inst.example\r\nRCPT', 'CR LF'],
  ['mün\tchen.example', 'a tab, which the URL parser would drop'],
  ['user@münchen.example', 'an @, which the URL parser would take for a user name'],
  ['münchen.example/x', 'a path'],
  ['münchen.example:25', 'a port behind an internationalised name'],
  ['m%C3%BCnchen.example', 'a percent sign'],
  ['münchen．example／x', 'a full-width slash'],
  ['\ud800.example', 'half a surrogate pair'],
]

for (const [text, why] of refused) {
  test(`parseDomain refuses ${why}`, () => {
    const result = parseDomain(text)
    assert.equal(result.ok, false)
    assert.equal(isDomainName(text), false)
  })
}

test('a parsed domain is a domain name, in lower case, and parses to itself', () => {
  const anyText = fc.oneof(
    fc.domain(),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
  )
  fc.assert(
    fc.property(anyText, (text) => {
      const result = parseDomain(text)
      if (!result.ok) return
      assert.equal(result.value, result.value.toLowerCase())
      assert.ok(isDomainName(result.value))
      assert.deepEqual(parseDomain(result.value), result)
    }),
    { numRuns: 2000 },
  )
})

test('isDomainName is linear: hostile names of full length cost nothing', () => {
  const started = performance.now()
  for (let round = 0; round < 10_000; round += 1) isDomainName(`${'a-'.repeat(126)}!`)
  assert.ok(performance.now() - started < 1000)
})
