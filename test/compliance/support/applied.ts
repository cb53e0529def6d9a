// Which snippet is applied to its real server, and where. test/snippets-applied.test.ts compares the list with the table of
// snippets; each file that is named here compares it at its end with what its tests have done.

import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { after } from 'node:test'
import type { Finding } from '#compliance/check.ts'
import { mtaNames, mtas } from '#compliance/mta/recognise.ts'
import { snippets, type SnippetTopic, type System } from '#compliance/mta/snippets.ts'

type Topics = Readonly<Partial<Record<System, readonly SnippetTopic[]>>>

const ofAll = ['networks', 'domain', 'recipients', 'recipient-count', 'size', 'postmaster'] as const

/** By file: its tests find a fault, apply the snippets of these topics, and find the fault gone. */
export const appliedIn: Readonly<Record<string, Topics>> = {
  'postfix.test.ts': {
    postfix: [
      ...ofAll,
      'connections',
      'listen-everywhere',
      'filters',
      'sender-checks',
      'vrfy',
      'tls',
      'bare-newlines',
    ],
  },
  'exim.test.ts': {
    exim: [
      ...ofAll,
      'connections',
      'listen-everywhere',
      'filters',
      'content-rules',
      'vrfy',
      'tls',
      'eight-bit',
    ],
  },
  'backscatter.test.ts': { exim: ['sender-checks'] },
  'sendmail.test.ts': {
    sendmail: [...ofAll, 'connections', 'listen-everywhere', 'sender-checks', 'vrfy', 'tls'],
  },
  'filters.test.ts': { sendmail: ['filters'] },
  'opensmtpd.test.ts': { opensmtpd: [...ofAll, 'bare-postmaster', 'listen-everywhere', 'filters'] },
  'courier.test.ts': { courier: [...ofAll, 'connections', 'sender-checks', 'vrfy', 'tls'] },
  'networks.test.ts': { courier: ['listen-everywhere', 'filters'] },
  'firewall.test.ts': { nftables: ['firewall'] },
}

/** Why a snippet is applied nowhere. */
export const notApplied: readonly {
  readonly system: System
  readonly topics: readonly SnippetTopic[] | 'all'
  readonly why: string
}[] = [
  { system: 'exchange', topics: 'all', why: 'no Exchange can be unpacked beside the others' },
  {
    system: 'opensmtpd',
    topics: ['tls'],
    why: 'that of Debian 12 cannot sign with OpenSSL 3; opensmtpd.test.ts shows what happens',
  },
]

const systemNames: Readonly<Record<System, string>> = { ...mtaNames, nftables: 'nftables' }
export const systems: readonly System[] = [...mtas, 'nftables']

/** Names of the tests of this process that apply snippets and have not come to their end. */
const open = new Set<string>()
const healed = new Set<string>()

/** That test will end with `noteApplied`, unless it is skipped or fails. */
export function planApplied(test: string): void {
  open.add(test)
}

/** What these findings say to `program` (as in a report) was applied, and each of the checks is met now. */
export function noteApplied(test: string, program: string, findings: readonly Finding[]): void {
  open.delete(test)
  const system = systems.find((each) => systemNames[each] === program)
  assert.ok(system !== undefined, program)
  for (const topic of findings.flatMap(({ remedy }) => remedy?.snippets ?? [])) {
    if (snippets[topic][system] !== undefined) healed.add(`${topic} for ${system}`)
  }
}

/** At the end of `file`, unless some of its tests did not run: it has done what the list says. */
export function checkApplied(file: string): void {
  after(() => {
    if (open.size > 0) return
    for (const [system, topics] of Object.entries(appliedIn[basename(file)] ?? {})) {
      for (const topic of topics) {
        assert.ok(healed.has(`${topic} for ${system}`), `${topic} for ${system} was not applied`)
      }
    }
  })
}
