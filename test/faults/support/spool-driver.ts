// Carries a plan out on a real spool, in a process of its own that may be traced, made to fail or killed:
// `node spool-driver.ts STATE-FOLDER PLAN [FIRST-NUMBER]`. It says on standard output what it begins, and what it was
// answered, a line each; nothing is written to it before the answer is known.

import { writeSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { incomingFolder, openSpool } from '#spool/open-spool.ts'
import { SpoolError, type Lease, type NewEntry, type Spool } from '#spool/spool.ts'
import {
  addressOf,
  contentOf,
  contentOffset,
  firstAttemptMs,
  numbered,
  planNowMs,
  plans,
  type PlannedEntry,
  type PlannedOperation,
} from './spool-plan.ts'
import type { Word } from './words.ts'

const [, , state = '', planName = '', firstNumber = '0'] = process.argv
const plan = plans[planName]
if (plan === undefined) throw new Error(`there is no plan ${planName}`)
const folder = path.join(state, 'spool')
const operations = numbered(plan)
const current: { spool: Spool | null } = { spool: null }
/** Leases under which a settle failed: the deliverer keeps them. */
const kept = new Map<number, Lease>()

await open()
for (const step of plan) {
  await Promise.all(step.map((operation) => perform(operation)))
}
await current.spool?.close()
say({ kind: 'finished' })

function say(word: Word): void {
  writeSync(1, `${JSON.stringify(word)}\n`)
}

/** Until it works. What is injected fails once in each thread, and each attempt has a new one. */
async function open(): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      current.spool = await openSpool({
        folder,
        reserveBytes: 0,
        reserveInodeCount: 0,
        maxDelayMs: 3_600_000,
        clock: { now: () => planNowMs, monotonicMs: () => performance.now() },
        emit: () => undefined,
      })
      say({ kind: 'opened' })
      return
    } catch (error) {
      say({ kind: 'not-opened', detail: told(error) })
    }
  }
  say({ kind: 'gave-up' })
  process.exit()
}

async function perform(operation: PlannedOperation): Promise<void> {
  if (operation.kind === 'reopen') {
    await current.spool?.close()
    await open()
    return
  }
  const number = operations.indexOf(operation) + Number(firstNumber)
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const outcome = await answer(number, operation)
    if (outcome === 'done') return
    await recoverIfStopped()
    // A client whose mail was not taken comes back with another one; a lease is settled until it works.
    if (operation.kind === 'commit') return
  }
}

async function answer(
  number: number,
  operation: Exclude<PlannedOperation, { kind: 'reopen' }>,
): Promise<'done' | 'failed'> {
  const { spool } = current
  if (spool === null) return 'failed'
  try {
    const run = await prepare(spool, operation)
    if (run === null) return 'failed'
    say({ kind: 'begun', number })
    await run()
    say({ kind: 'done', number })
    return 'done'
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error
    say({ kind: error.isUnclear ? 'unclear' : 'refused', number, detail: told(error) })
    return 'failed'
  }
}

/** Everything before the operation itself; null: there is nothing to do it on. */
async function prepare(
  at: Spool,
  operation: Exclude<PlannedOperation, { kind: 'reopen' }>,
): Promise<(() => Promise<unknown>) | null> {
  switch (operation.kind) {
    case 'commit': {
      // What fails before the spool is asked is the matter of whoever receives mail.
      const entry = await newEntry(operation.entry).catch(() => null)
      return entry === null ? null : () => at.commit(entry)
    }
    case 'settle': {
      const number = operations.indexOf(operation)
      const nowMs = Number.MAX_SAFE_INTEGER
      const [lease = kept.get(number)] = await at.lease({
        domain: operation.domain,
        nowMs,
        maxCount: 1,
      })
      if (lease === undefined) return null
      kept.set(number, lease)
      const recipients = Object.entries(operation.fates).map(([local, fate]) => ({
        address: addressOf(local, operation.domain),
        fate,
        reply: '250 or not',
      }))
      return () => at.settle(lease, { recipients, attempts: [] })
    }
    case 'hold':
      return () => at.hold({ kind: 'domain', domain: operation.domain }, operation.reason)
    case 'hurry':
      return () => at.hurry(operation.domain)
  }
}

async function newEntry(planned: PlannedEntry): Promise<NewEntry> {
  const { prefix, inFile, whole } = contentOf(planned)
  const file = path.join(incomingFolder(folder), planned.id)
  if (inFile !== null) {
    await mkdir(incomingFolder(folder), { recursive: true })
    await writeFile(file, inFile)
  }
  return {
    id: planned.id,
    reversePath: 's@sender.example',
    isSmtpUtf8: false,
    is8BitMime: true,
    clientAddress: '192.0.2.1',
    greetingName: 'mx.sender.example',
    receivedAtMs: planNowMs,
    recipients: planned.recipients.map((local) => ({
      address: addressOf(local, planned.domain),
      domain: planned.domain,
      fate: { kind: 'waiting', nextAttemptMs: firstAttemptMs },
      reply: '',
    })),
    attempts: [],
    content: {
      prefix: [prefix],
      file: inFile === null ? null : { path: file, offset: contentOffset },
      sizeBytes: whole.length,
    },
  }
}

async function recoverIfStopped(): Promise<void> {
  const { spool } = current
  for (let attempt = 0; attempt < 3 && spool?.state().kind === 'stopped'; attempt += 1) {
    try {
      await spool.recover()
      say({ kind: 'recovered' })
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error
      say({ kind: 'not-recovered', detail: told(error) })
    }
  }
}

function told(error: unknown): string {
  return error instanceof SpoolError
    ? `${error.kind}: ${error.message}`
    : `fault: ${error instanceof Error ? String(error.stack) : String(error)}`
}
