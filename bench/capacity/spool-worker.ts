// The spool with many entries. `node --expose-gc spool-worker.ts COUNT`

import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Spool } from '#spool/spool.ts'
import { newContent, newEntry } from '../../test/support/new-entry.ts'
import { openTemporarySpool } from '../../test/support/temporary-spool.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { contentOf } from '../load/content.ts'

export interface SpoolNumbers {
  /** Of the last tenth. */
  readonly commitsPerSecond: number
  readonly fileBytes: number
  readonly residentBytes: number
  readonly statsMs: number
  readonly dueMs: number
  /** Lease and settle as relayed, the last tenth. */
  readonly settlesPerSecond: number
  readonly openMs: number
}

const contentBytes = 4096
const atOnce = 20
const leaseCount = 100
const domainCount = 100

const count = Number(process.argv[2])
const tenth = Math.ceil(count / 10)
await using folder = await temporaryFolder()
let spool = await openTemporarySpool(folder.path)
const content = newContent(Buffer.concat([...contentOf(contentBytes)]))

await commit(0, count - tenth)
const commitsPerSecond = tenth / (await seconds(() => commit(count - tenth, count)))
const residentBytes = process.memoryUsage.rss()
const statsMs = 1000 * (await seconds(() => spool.stats()))
const dueMs = 1000 * (await seconds(() => spool.due()))
await spool.close()
const fileBytes = sizeOf(path.join(folder.path, 'spool'))
const openMs = 1000 * (await seconds(async () => (spool = await openTemporarySpool(folder.path))))
const settlesPerSecond = tenth / (await seconds(() => deliver(spool, tenth)))
await spool.close()

const numbers: SpoolNumbers = {
  commitsPerSecond,
  fileBytes,
  residentBytes,
  statsMs,
  dueMs,
  settlesPerSecond,
  openMs,
}
process.stdout.write(JSON.stringify(numbers))

async function commit(from: number, to: number): Promise<void> {
  let next = from
  const committer = async (): Promise<void> => {
    while (next < to) {
      const number = next
      next += 1
      const address = `user${number}@institute-${number % domainCount}.example`
      const changes = { content, receivedAtMs: Date.now() }
      await spool.commit(newEntry(`entry-${number}`, [address], changes))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, committer))
}

/** As delivery does it: leases in batches, one settlement a mail, several at the same time. */
async function deliver(from: Spool, wanted: number): Promise<void> {
  let deliveredCount = 0
  for (let number = 0; deliveredCount < wanted; number = (number + 1) % domainCount) {
    const domain = `institute-${number}.example`
    const leases = await from.lease({ domain, nowMs: Date.now(), maxCount: leaseCount })
    await Promise.all(
      leases.map((lease) =>
        from.settle(lease, {
          recipients: lease.recipients.map(({ address }) => ({
            address,
            fate: { kind: 'relayed' },
            reply: null,
          })),
          attempts: [],
        }),
      ),
    )
    deliveredCount += leases.length
  }
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1000
}

function sizeOf(where: string): number {
  return readdirSync(where)
    .map((name) => statSync(path.join(where, name)))
    .filter((entry) => entry.isFile())
    .reduce((sum, { size }) => sum + size, 0)
}
