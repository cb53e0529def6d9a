import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint } from './registry.ts'
import { createRoute, formatEndpoint, parseEndpoint } from './route.ts'

const endpoints: readonly (readonly [written: string, endpoint: Endpoint, canonical: string])[] = [
  ['mail.inst.example:25', host('mail.inst.example', 25), 'mail.inst.example:25'],
  [' Mail.Inst.Example. ', host('mail.inst.example', 25), 'mail.inst.example:25'],
  ['mail.inst.example:2525', host('mail.inst.example', 2525), 'mail.inst.example:2525'],
  [
    'mail.münchen.example',
    host('mail.xn--mnchen-3ya.example', 25),
    'mail.xn--mnchen-3ya.example:25',
  ],
  ['192.0.2.7:25', address('192.0.2.7', 25), '192.0.2.7:25'],
  ['192.0.2.7', address('192.0.2.7', 25), '192.0.2.7:25'],
  ['[192.0.2.7]:26', address('192.0.2.7', 26), '192.0.2.7:26'],
  ['[2001:db8::7]:25', address('2001:db8::7', 25), '[2001:db8::7]:25'],
  ['2001:DB8:0:0::7', address('2001:db8::7', 25), '[2001:db8::7]:25'],
  ['::1', address('::1', 25), '[::1]:25'],
  ['::ffff:192.0.2.7', address('192.0.2.7', 25), '192.0.2.7:25'], // mapped: it is IPv4 on the wire
  ['mx:inst.example', mx('inst.example', 25), 'mx:inst.example'],
  ['MX:Inst.Example:2525', mx('inst.example', 2525), 'mx:inst.example:2525'],
]

for (const [written, endpoint, canonical] of endpoints) {
  test(`endpoint ${written}`, () => {
    assert.deepEqual(parseEndpoint(written), { ok: true, value: endpoint })
    assert.equal(formatEndpoint(endpoint), canonical)
    assert.deepEqual(parseEndpoint(canonical), { ok: true, value: endpoint })
  })
}

const refused: readonly (readonly [written: string, problem: RegExp])[] = [
  ['', /missing/],
  ['mail.inst.example:', /port/],
  ['mail.inst.example:0', /port/],
  ['mail.inst.example:65536', /port/],
  ['mail.inst.example:smtp', /port/],
  ['mail.inst.example:25:25', /letters, digits/],
  ['256.0.2.7', /does not end in a number/], // no address, and no name either
  ['192.0.2', /does not end in a number/],
  ['[2001:db8::7', /./],
  ['[mail.inst.example]:25', /not an IP address/],
  ['[fe80::1%eth0]', /not an IP address/], // a zone means another machine's interface elsewhere
  ['2001:db8::g', /./],
  ['mx:192.0.2.7', /does not end in a number/],
  ['mx:', /missing/],
  ['smtp://mail.inst.example', /./],
  ['a'.repeat(601), /too long/],
  ['mx', /whole name/],
  ['mx.:2525', /whole name/],
]

for (const [written, problem] of refused) {
  test(`endpoint ${JSON.stringify(written.slice(0, 30))} is refused`, () => {
    const result = parseEndpoint(written)
    assert.equal(result.ok, false)
    assert.match(result.ok ? '' : result.problem, problem)
  })
}

test('equal routes have the same id, whatever was written', () => {
  const one = createRoute([host('a.example', 25), address('192.0.2.7', 25)], 'verify')
  const other = createRoute(
    [host('a.example', 25), address('192.0.2.7', 25), host('a.example', 25)],
    'verify',
  )
  assert.deepEqual(one, other)
  assert.equal(one.id, 'a.example:25,192.0.2.7:25 tls=verify')
})

test('order, port and TLS policy tell routes apart', () => {
  const [a, b] = [host('a.example', 25), host('b.example', 25)]
  const ids = [
    createRoute([a, b], 'none').id,
    createRoute([b, a], 'none').id,
    createRoute([a, b], 'verify').id,
    createRoute([a], 'none').id,
    createRoute([host('a.example', 26)], 'none').id,
    createRoute([mx('a.example', 25)], 'none').id,
  ]
  assert.equal(new Set(ids).size, ids.length)
})

function host(name: string, port: number): Endpoint {
  return { kind: 'host', host: name, port }
}

function address(text: string, port: number): Endpoint {
  return { kind: 'address', address: text, port }
}

function mx(name: string, port: number): Endpoint {
  return { kind: 'mx', name, port }
}
