// Recipient verification that remembers many addresses. `node --expose-gc recipients-worker.ts COUNT PORT`;
// the port is that of a next hop.

import { statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '#base/clock.ts'
import { openToolbox, type Toolbox } from '#app/toolbox.ts'
import { loadConfig } from '#config/load-config.ts'
import type { NextHopFacts } from '#nexthop/nexthop.ts'
import type { ServedDomain } from '#registry/registry.ts'
import { createServedDomain } from '#registry/served-domain.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { heapBytes, nanosecondsEach } from './in-process.ts'

export interface RecipientNumbers {
  /** Of all addresses, in memory. */
  readonly heapBytes: number
  /** An answer from memory. */
  readonly cachedNanoseconds: number
  /** An answer from the file, the first one after a restart. */
  readonly storedNanoseconds: number
  readonly fileBytes: number
}

/** Half of what a domain may have by default. */
const perDomain = 10_000
/** The store writes once a second, and holds that many until then. */
const perSecond = 9000

const count = Number(process.argv[2])
const port = Number(process.argv[3])
const reply = { code: 250, status: '2.1.5', lines: ['2.1.5 Ok'] } as const

await using folder = await temporaryFolder()
const config = configIn(folder.path)
const domains = Array.from({ length: Math.ceil(count / perDomain) }, (_, index) => served(index))
const facts: NextHopFacts = {
  server: '127.0.0.1',
  address: '127.0.0.1',
  port,
  tls: null,
  extensions: null,
}

const toolbox = await openToolbox(config)
const before = heapBytes()
for (let index = 0; index < count; index += 1) {
  const { domain, mailbox } = queryOf(index)
  toolbox.recipients.learn(domain, mailbox, reply, facts)
  if (index % perSecond === perSecond - 1) await pause(1100)
}
await pause(2500)
const heap = heapBytes() - before
const cachedNanoseconds = nanosecondsEach(Math.min(count, 100_000), (index) =>
  decided(toolbox, (index * 7919) % count),
)
await toolbox[Symbol.asyncDispose]()

const file = path.join(config.state, 'recipients.db')
const fileBytes = statSync(file).size
const again = await openToolbox(config)
const sampleCount = Math.min(count, 20_000)
const startMs = performance.now()
for (let index = 0; index < sampleCount; index += 1) decided(again, (index * 7919) % count)
const storedNanoseconds = ((performance.now() - startMs) * 1e6) / sampleCount
await again[Symbol.asyncDispose]()

const numbers: RecipientNumbers = {
  heapBytes: heap,
  cachedNanoseconds,
  storedNanoseconds,
  fileBytes,
}
process.stdout.write(JSON.stringify(numbers))

function decided({ recipients }: Toolbox, index: number): void {
  const { domain, mailbox } = queryOf(index)
  const answer = recipients.verify({ domain, mailbox, isSmtpUtf8: false, sizeBytes: null })
  if (answer instanceof Promise || answer.verdict.kind !== 'accept') {
    throw new Error(`${mailbox.local} is not remembered`)
  }
}

function queryOf(index: number): {
  readonly domain: ServedDomain
  readonly mailbox: { readonly local: string; readonly domain: string }
} {
  const domain = domains[Math.floor(index / perDomain)]
  if (domain === undefined) throw new Error('no such domain')
  return { domain, mailbox: { local: `first.lastname${index}`, domain: domain.domain } }
}

function served(index: number): ServedDomain {
  const document = { domain: `institute-${index}.example`, to: [`127.0.0.1:${port}`] }
  const result = createServedDomain(document, systemClock.now())
  if (!result.ok) throw new Error(result.problem.text)
  return result.value
}

function configIn(where: string): Parameters<typeof openToolbox>[0] {
  const configFile = path.join(where, 'pforte.yaml')
  const listen = 'listen: [{ address: 127.0.0.1, port: 0 }]'
  writeFileSync(configFile, `hostname: relay.example\n${listen}\nstate: ./state\n`)
  const loaded = loadConfig({ file: configFile, environment: {} })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problem))
  return loaded.value.config
}
