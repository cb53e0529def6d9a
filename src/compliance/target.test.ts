import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseNetwork, type Network } from '#base/network.ts'
import { resolveTarget, type TargetRequest } from './target.ts'
import { guardProblem, type TargetGuard } from './target-guard.ts'

function networks(...texts: readonly string[]): readonly Network[] {
  return texts.flatMap((text) => {
    const parsed = parseNetwork(text)
    assert.ok(parsed.ok)
    return [parsed.value]
  })
}

const request: TargetRequest = {
  host: 'mail.inst.example',
  port: 25,
  domains: ['inst.example'],
  existing: ['anna@inst.example'],
  unknown: [],
  sources: [],
}
const signal = new AbortController().signal
let lookUpCount = 0
const answering = (
  ...values: readonly [string, ...string[]]
): Parameters<typeof resolveTarget>[1] => ({
  addresses: () => {
    lookUpCount += 1
    return Promise.resolve({ kind: 'found', values, ttlMs: 0 })
  },
})

test('the name is looked up once, and every address of it is a way', async () => {
  const target = await resolveTarget(request, answering('192.0.2.7', '2001:db8::7'), signal)
  assert.ok(target.ok)
  assert.deepEqual(target.value.addresses, ['192.0.2.7', '2001:db8::7'])
  assert.equal(target.value.vantages.length, 2)
  assert.equal(lookUpCount, 1)
})

test('a source connects to addresses of its own family', async () => {
  const sources = ['192.0.2.1', '2001:db8::1']
  const target = await resolveTarget(
    { ...request, sources },
    answering('192.0.2.7', '2001:db8::7'),
    signal,
  )
  assert.ok(target.ok)
  assert.deepEqual(target.value.vantages, [
    { source: '192.0.2.1', address: '192.0.2.7' },
    { source: '2001:db8::1', address: '2001:db8::7' },
  ])
  const none = await resolveTarget(
    { ...request, sources: ['2001:db8::1'] },
    answering('192.0.2.7'),
    signal,
  )
  assert.match(none.ok ? '' : none.problem, /same family/)
})

test('random recipients look like nobody, and each differently', async () => {
  const target = await resolveTarget(request, answering('192.0.2.7'), signal)
  assert.ok(target.ok)
  const { random } = target.value
  assert.match(random[0], /^[a-z][a-z0-9]{15}@inst\.example$/)
  assert.match(random[1], /^[a-z][a-z0-9]{6}\.[a-z][a-z0-9]{8}@inst\.example$/)
  assert.match(random[2], /^anna[a-z][a-z0-9]{5}@inst\.example$/)
})

describe('a guarded target', () => {
  const guard: TargetGuard = {
    networks: networks('192.0.2.0/24', '2001:db8::/32', '127.0.0.0/8', 'fe80::/10'),
    ports: [25],
  }
  const cases: readonly (readonly [address: string, port: number, problem: RegExp | null])[] = [
    ['192.0.2.7', 25, null],
    ['2001:db8::7', 25, null],
    ['192.0.2.7', 22, /port 22/],
    ['198.51.100.7', 25, /none of the permitted/],
    ['127.0.0.1', 25, /loopback/],
    ['::ffff:127.0.0.1', 25, /loopback/],
    ['::1', 25, /loopback/],
    ['fe80::1', 25, /link-local/],
    ['169.254.169.254', 25, /link-local/],
    ['0.0.0.0', 25, /loopback/],
    ['not an address', 25, /none of the permitted/],
  ]
  for (const [address, port, problem] of cases) {
    test(`${address} ${port}: ${problem === null ? 'may be contacted' : 'may not'}`, () => {
      const found = guardProblem(guard, address, port)
      if (problem === null) assert.equal(found, null)
      else assert.match(found ?? '', problem)
    })
  }
  test('one bad address of a name is enough', async () => {
    const target = await resolveTarget(request, answering('192.0.2.7', '127.0.0.1'), signal, guard)
    assert.match(target.ok ? '' : target.problem, /127\.0\.0\.1 is loopback/)
  })
})
