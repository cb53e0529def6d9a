// A test file that runs once more, as a program of its own in a network namespace: there addresses of two documentation
// prefixes are local, every port is free, and nothing else of the network can be reached.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { isIPv6 } from 'node:net'
import { asRoot, prefixOf, type Program, type ProgramName } from '../../interop/support/programs.ts'

/** Those of the relays. */
export const networks: readonly string[] = ['198.51.100.0/23', '2001:db8:103::/64']
/** In both halves of the /23, and two anywhere in the /64. */
export const sources: readonly string[] = [
  '198.51.100.10',
  '198.51.101.77',
  '2001:db8:103::10',
  '2001:db8:103::beef:1',
]
/** Of the server. */
export const addresses: Readonly<Record<'a' | 'aaaa', readonly string[]>> = {
  a: ['198.51.100.25'],
  aaaa: ['2001:db8:103::25'],
}
const inside = 'PFORTE_TEST_NETWORK'

export const isInside: boolean = process.env[inside] !== undefined

/** The tests of `file` pass there. Needs iproute2. `prepare`: lines of a shell; what they mount is seen there only. */
export function runInside(
  programs: ReadonlyMap<ProgramName, Program>,
  file: string,
  prepare = ':',
): void {
  const ip = `${prefixOf(programs, 'iproute2')}/bin/ip`
  const script = `
    "$1" link set lo up
    "$1" route add local ${networks[0]} dev lo
    for each in ${[...sources, ...addresses.aaaa].filter(isIPv6).join(' ')}; do
      "$1" -6 address add $each/128 dev lo nodad # a route alone lets nobody bind to it, other than with IPv4
    done
    ${prepare}
    exec "$2" --test-reporter=tap "$3"`
  const command = ['unshare', '--net', '--mount', 'sh', '-ec', script, 'sh', ip, process.execPath]
  const environment = [`HOME=${process.env['HOME'] ?? ''}`, `${inside}=1`]
  const path = `PATH=${process.env['PATH'] ?? ''}`
  const [program = '', ...parameters] = asRoot(['env', '-i', path, ...environment, ...command])
  const run = spawnSync(program, [...parameters, file], { encoding: 'utf8', timeout: 200_000 })
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`)
  assert.match(run.stdout, /^# pass [1-9]/m)
}
