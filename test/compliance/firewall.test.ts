// A firewall before the mail server: nftables in a network namespace, and what `pforte check` says to write into its rules.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { ShownSnippet } from '#compliance/report/remedies.ts'
import { makeFolder, removeFolder } from '../interop/support/daemon.ts'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { checkApplied, planApplied } from './support/applied.ts'
import { tryOut, type RealServer, type Row } from './support/examine.ts'
import { addresses, isInside, networks, runInside, sources } from './support/own-network.ts'
import { startExaminedPostfix } from './support/postfix.ts'

const programs = findPrograms('postfix', 'iproute2', 'nftables')
const skip = skipReason(programs, 'postfix', 'iproute2', 'nftables')

/** Rules of the chain `input`, one a line. */
type Rules = readonly string[]

/** As Debian's example of a server has it, without `iif lo accept`: here everything comes that way. */
const usual: Rules = [
  'ct state established,related accept',
  'ip saddr 127.0.0.1 accept',
  'icmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert } accept',
  'tcp dport 22 accept',
]

const rows: readonly Row<Rules>[] = [
  {
    name: 'it drops what it does not know',
    configuration: [...usual, 'counter drop'],
    expected: { 'tcp-connect-v4': 'violated timeout', 'tcp-connect-v6': 'violated timeout' },
    remedied: ['tcp-connect-v4', 'tcp-connect-v6'],
  },
  {
    name: 'it knows half of the network, and rejects IPv6',
    configuration: [...usual, 'ip saddr 198.51.100.0/24 accept', 'reject with tcp reset'],
    expected: { 'tcp-connect-v4': 'violated refused', 'tcp-connect-v6': 'violated refused' },
    remedied: ['tcp-connect-v4', 'tcp-connect-v6'],
  },
]

if (!isInside) {
  test('a firewall', { skip, timeout: 240_000 }, () => runInside(programs, import.meta.filename))
} else {
  checkApplied(import.meta.filename)
  // The rules are those of the whole namespace: one after the other.
  describe('a firewall', { concurrency: 1 }, () => {
    for (const row of rows) {
      planApplied(row.name)
      test(row.name, { timeout: 60_000 }, () => tryFirewall(row))
    }
  })
}

/** The same Postfix all the time; what changes are the rules before it. */
async function tryFirewall(row: Row<Rules>): Promise<void> {
  const mainCf = ['inet_interfaces = all', 'inet_protocols = all']
  await using server = await startExaminedPostfix(prefixOf(programs, 'postfix'), { mainCf })
  const start = async (rules: Rules): Promise<RealServer> => {
    load(rules)
    return {
      port: server.port,
      log: server.log,
      [Symbol.asyncDispose]: async () => load([], 'accept'),
    }
  }
  const limits = { connectTimeoutMs: 1500 }
  await tryOut(
    { program: 'nftables', skip, start, apply },
    { sources, addresses, networks, limits, ...row },
  )
}

/** As /etc/nftables.conf of Debian begins and `nft -f` reads it. */
function load(rules: Rules, policy: 'accept' | 'drop' = 'drop'): void {
  const folder = makeFolder('nftables')
  const file = join(folder, 'nftables.conf')
  const chain = [`type filter hook input priority filter; policy ${policy};`, ...rules].join('\n')
  writeFileSync(file, `flush ruleset\ntable inet filter {\nchain input {\n${chain}\n}\n}\n`)
  const prefix = prefixOf(programs, 'nftables')
  const library = `LD_LIBRARY_PATH=${prefix}/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`
  try {
    execFileSync('env', [library, `${prefix}/usr/sbin/nft`, '-f', file])
  } finally {
    removeFolder(folder)
  }
}

/** Where it says: before the first rule that drops. */
function apply(rules: Rules, snippets: readonly ShownSnippet[]): Rules {
  const added = snippets.flatMap(({ code }) => code.split('\n'))
  const first = rules.findIndex((rule) => /\b(?:drop|reject)\b/.test(rule))
  return rules.toSpliced(first, 0, ...added)
}
