// The DNS checks against a resolver that verifies a real chain: verified, broken and unsigned are told apart.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { startSignedZones, type SignedZones } from '../interop/support/signed-zones.ts'
import { run } from '../support/relay.ts'

const programs = findPrograms('knot', 'unbound')
const skip = skipReason(programs, 'knot', 'unbound')
const relays = ['mailrelay1.signed', 'mailrelay2.signed'] as const

const inst = ['inst MX 10 mailrelay1.signed.', 'inst MX 10 mailrelay2.signed.']
const hash = 'ab'.repeat(32)
const zones = {
  signed: [
    ...inst,
    // Nobody is contacted there.
    'mailrelay1 A 127.0.0.1',
    'mailrelay2 A 127.0.0.1',
    `_25._tcp.mailrelay1 TLSA 3 1 1 ${hash}`,
    `_25._tcp.mailrelay2 TLSA 3 1 1 ${hash}`,
  ],
  bogus: inst,
  insecure: inst,
}

let site: SignedZones
before(async () => {
  if (skip !== false) return
  const prefixes = { knot: prefixOf(programs, 'knot'), unbound: prefixOf(programs, 'unbound') }
  site = await startSignedZones(prefixes, zones)
})
after(async () => {
  if (skip === false) await site[Symbol.asyncDispose]()
})

interface Finding {
  readonly id: string
  readonly verdict: string
  readonly subtype: string | null
}

async function examine(domain: string): Promise<ReadonlyMap<string, string>> {
  const at = (server: { readonly port: number }): string => `127.0.0.1:${server.port}`
  const { stdout } = await run([
    'check',
    'dns',
    domain,
    '--json',
    '--resolver',
    at(site.resolver),
    '--name-server',
    at(site.authoritative),
    ...relays.flatMap((relay) => ['--relay', relay]),
  ])
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] }
  return new Map(
    findings.map(({ id, verdict, subtype }) => [
      id,
      subtype === null ? verdict : `${verdict} ${subtype}`,
    ]),
  )
}

test('signed, and the chain holds', { skip }, async () => {
  const found = await examine('inst.signed')
  assert.equal(found.get('dnssec-chain'), 'met')
  assert.equal(found.get('relay-tlsa'), 'undetermined not-reached')
  assert.equal(found.get('mx-both-relays'), 'met')
  assert.equal(found.get('domain-alive'), 'met')
})

test(
  'signed, and the chain is broken: a must, since senders that verify deliver nothing',
  { skip },
  async () => {
    const found = await examine('inst.bogus')
    assert.equal(found.get('dnssec-chain'), 'violated bogus')
    assert.equal(found.get('mx-present'), 'undetermined no-answer')
  },
)

test('not signed: said, not held against it', { skip }, async () => {
  const found = await examine('inst.insecure')
  assert.equal(found.get('dnssec-chain'), 'violated insecure')
  assert.equal(found.get('mx-both-relays'), 'met')
})
