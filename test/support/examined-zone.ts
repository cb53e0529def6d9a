// A domain in a name server of the test's own, and `pforte check dns` asked about it.

import assert from 'node:assert/strict'
import { after } from 'node:test'
import type { CommandIo } from '#app/command.ts'
import { runCommandLine } from '#app/commands.ts'
import { systemClock } from '#base/clock.ts'
import type { Finding } from '#compliance/check.ts'
import type { Report } from '#compliance/compliance.ts'
import { checkDomain, type ZoneRequest } from '#compliance/dns/check-domain.ts'
import { startDnsServer, type DnsServer, type Zone } from './dns-server.ts'

/** Of this test file; its zone is replaced for each question. */
export const server: DnsServer = await startDnsServer()
after(() => server.close())

export const relay1 = 'mailrelay1.example.org'
export const relay2 = 'mailrelay2.example.org'
export const relays: readonly [string, string] = [relay1, relay2]
export const txt = (text: string): readonly Buffer[] => [
  Buffer.concat([Buffer.of(text.length), Buffer.from(text)]),
]
export const goodMx: readonly (readonly [number, string])[] = [
  [10, relay1],
  [10, relay2],
]

export const quiet: CommandIo = {
  stdout: () => undefined,
  stderr: () => undefined,
  environment: {},
  isTerminal: false,
  signal: new AbortController().signal,
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  /** id → verdict */
  readonly verdicts: Readonly<Record<string, string>>
  /** id → subtype */
  readonly subtypes: Readonly<Record<string, string | null>>
}

export async function run(zone: Zone, ...more: readonly string[]): Promise<Ran> {
  for (const name of Object.keys(server.zone)) delete server.zone[name]
  Object.assign(
    server.zone,
    { [relay1]: { a: ['192.0.2.1'] }, [relay2]: { a: ['192.0.2.2'] } },
    zone,
  )
  let stdout = ''
  let stderr = ''
  const io: CommandIo = {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    environment: {},
    isTerminal: false,
    signal: new AbortController().signal,
  }
  const args = [
    'check',
    'dns',
    'inst.example',
    '--resolver',
    server.address,
    '--name-server',
    server.address,
  ]
  const named = relays.flatMap((relay) => ['--relay', relay])
  const code = await runCommandLine([...args, ...named, ...more], io)
  assert.equal(stderr, '')
  const { findings } = more.includes('--json') ? JSON.parse(stdout) : { findings: [] }
  const of = (key: string): Readonly<Record<string, string>> =>
    Object.fromEntries(findings.map((each: Record<string, string>) => [each['id'], each[key]]))
  return { code, stdout, verdicts: of('verdict'), subtypes: of('subtype') }
}

/** Asks these servers only, and the zone's as the resolver. */
export async function examineZone(
  zone: Zone,
  places: readonly string[],
  more: Partial<ZoneRequest> = {},
): Promise<Report> {
  for (const name of Object.keys(server.zone)) delete server.zone[name]
  Object.assign(server.zone, zone)
  const [resolver, ...nameServers] = [server.address, ...places].map((written) => {
    const [address = '', port] = written.split(':')
    return { address, port: Number(port) }
  })
  assert.ok(resolver)
  return await checkDomain(
    {
      domain: 'inst.example',
      relays,
      resolver,
      nameServers,
      timeoutMs: 500,
      isServed: null,
      policyServer: null,
      ca: null,
      outside: null,
      helloName: 'relay.example.org',
      relayPort: 25,
      disagreement: null,
      ...more,
    },
    systemClock,
    new AbortController().signal,
  )
}

export function findingOf({ outcomes }: Report, id: string): Finding {
  const finding = outcomes.find(({ check }) => check.id === id)?.finding
  assert.ok(finding)
  return finding
}
