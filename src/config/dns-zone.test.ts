import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDnsZone } from './dns-zone.ts'

const loopback = [[[127, 127]], [[0, 0]], [[0, 0]]]

const zones: readonly (readonly [written: string, wanted: unknown])[] = [
  ['bl.example.org', { domain: 'bl.example.org', answers: null, weight: 1 }],
  ['BL.Example.org.*3', { domain: 'bl.example.org', answers: null, weight: 3 }],
  ['wl.example*-2', { domain: 'wl.example', answers: null, weight: -2 }],
  ['x.example=127.0.0.2', { domain: 'x.example', answers: [...loopback, [[2, 2]]], weight: 1 }],
  [
    'x.example=127.0.0.[2..11;15]*2',
    { domain: 'x.example', answers: [...loopback, [[2, 11], [15, 15]]], weight: 2 }, // oxfmt-ignore
  ],
]

for (const [written, wanted] of zones) {
  test(`a list: ${written}`, () => {
    const zone = parseDnsZone(written)
    assert.deepEqual(zone.ok && zone.value, wanted)
  })
}

const refused = [
  '',
  '*2',
  'x.example*',
  'x.example*0',
  'x.example=127.0.0',
  'x.example=127.0.0.2.3',
  'x.example=127.0.0.256',
  'x.example=127.0.0.[11..2]',
  'x.example=127.0.0.[2',
  'x.example=127.0.0.2]',
  'x..example',
]

for (const written of refused) {
  test(`no list: '${written}'`, () => assert.equal(parseDnsZone(written).ok, false))
}
