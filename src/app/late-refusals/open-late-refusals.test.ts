// The book of late refusals on real files: what is told, once, and what a kill leaves.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type { Alert } from '#alert/alert.ts'
import { systemClock } from '#base/clock.ts'
import { dayMs, hourMs } from '#compliance/production.ts'
import { loadCounting, loadRefusals } from '#compliance/production-store.ts'
import type { RecheckEvent } from '#compliance/recheck-event.ts'
import { createRoute } from '#registry/route.ts'
import type { ServedDomain } from '#registry/registry.ts'
import { unknownProfile } from '#registry/server-profile.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { openLateRefusals, type LateRefusals, type SeenLate } from './open-late-refusals.ts'

const domain = 'inst.example'

interface Opened extends AsyncDisposable {
  readonly book: LateRefusals
  readonly events: readonly RecheckEvent[]
  readonly alerts: readonly Alert[]
  readonly faults: readonly string[]
  readonly advance: (ms: number) => void
}

function open(folder: string, port: number = 25, refusesAtData: boolean | null = null): Opened {
  const route = createRoute([{ kind: 'address', address: '127.0.0.1', port }], 'none')
  const served = { domain, route, byHand: { ...unknownProfile, refusesAtData } } as ServedDomain
  let turnedMs = 0
  const events: RecheckEvent[] = []
  const alerts: Alert[] = []
  const faults: string[] = []
  const book = openLateRefusals({
    folder,
    registry: { find: (name) => (name === domain ? served : undefined) },
    isPinned: (address) => address.startsWith('pinned@'),
    clock: { ...systemClock, now: () => Date.now() + turnedMs },
    raise: (alert) => alerts.push(alert),
    emit: (event) => events.push(event),
    onFault: (doing, cause) => faults.push(`${doing}: ${String(cause)}`),
    times: { writeMs: 20, lookMs: 20, aliveMs: 20 },
  })
  return {
    book,
    events,
    alerts,
    faults,
    advance: (ms) => (turnedMs += ms),
    [Symbol.asyncDispose]: book.close,
  }
}

function seen(more: Partial<SeenLate> = {}): SeenLate {
  const facts = { mail: 'trace1', server: 'mail.inst.example', reply: '550 5.7.1 Spam' }
  return { domain, recipients: [`a@${domain}`], at: 'content', ...facts, ...more }
}

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000
  while (!holds()) {
    assert.ok(performance.now() < endMs, 'in time')
    await sleep(5)
  }
}

test('content is refused: told once, also over a restart, and once more when it is over', async () => {
  await using folder = await temporaryFolder()
  {
    await using first = open(folder.path)
    first.book.take(seen()) // before the files are read
    await until(() => first.alerts.length > 0)
    first.book.take(seen({ reply: '550 5.7.1 More' }))
    await first.book.close()
    assert.equal(first.alerts.length, 1)
    assert.partialDeepStrictEqual(first.alerts[0], { kind: 'requirement-violated', watch: 'mail' })
    assert.deepEqual(
      first.events.map((event) => event.kind === 'verdict-changed' && event.verdict),
      ['violated'],
    )
  }
  await using second = open(folder.path)
  await until(() => second.book.status().degradedCount === 1)
  assert.equal(second.book.status().domains[0]?.contentCount, 2)
  second.book.take(seen())
  await until(() => second.book.status().domains[0]?.contentCount === 3)
  await sleep(60)
  assert.deepEqual([second.alerts, second.events], [[], []])
  second.advance(dayMs)
  await until(() => second.events.length > 0)
  assert.partialDeepStrictEqual(second.events[0], { was: 'violated', verdict: 'met' })
  await until(() => second.book.status().domainCount === 0)
  await second.book.close()
  assert.deepEqual(await loadRefusals(folder.path, domain), null)
  assert.deepEqual([second.alerts, second.faults], [[], []])
})

test('killed between writing and telling: told after the start', async () => {
  await using folder = await temporaryFolder()
  {
    await using first = open(folder.path)
    first.book.take(seen())
    await until(() => first.alerts.length > 0)
  }
  const file = path.join(folder.path, 'late-refusals', `${domain}.json`)
  const text = readFileSync(file, 'utf8')
  assert.match(text, /"isTold": true/)
  writeFileSync(file, text.replace('"isTold": true', '"isTold": false'))
  await using second = open(folder.path)
  await until(() => second.alerts.length === 1)
})

test('recipients: three within an hour, and those that are pinned contradict nobody', async () => {
  await using folder = await temporaryFolder()
  await using opened = open(folder.path)
  const at = 'recipient'
  opened.book.take(seen({ at, recipients: ['pinned@inst.example', 'a@inst.example'] }))
  opened.book.take(seen({ at, recipients: ['pinned@inst.example'] }))
  opened.book.take(seen({ at }))
  await until(() => opened.book.status().domains[0]?.recipientCount === 2)
  opened.advance(hourMs / 2)
  opened.book.take(seen({ at, recipients: ['pinned@inst.example'] }))
  await sleep(60)
  assert.equal(opened.alerts.length, 0)
  opened.book.take(seen({ at }))
  await until(() => opened.alerts.length === 1)
})

test('a person has said that it refuses content: counted, told nobody', async () => {
  await using folder = await temporaryFolder()
  await using opened = open(folder.path, 25, true)
  for (let count = 0; count < 5; count += 1) opened.book.take(seen())
  await until(() => opened.book.status().domains[0]?.contentCount === 5)
  await sleep(60)
  assert.deepEqual([opened.alerts, opened.events], [[], []])
  assert.equal(opened.book.status().degradedCount, 0)
})

test('another server, or a domain that is not served: nothing of it is left', async () => {
  await using folder = await temporaryFolder()
  {
    await using first = open(folder.path)
    first.book.take(seen())
    first.book.take(seen({ domain: 'elsewhere.example' }))
    await until(() => first.alerts.length > 0)
  }
  await using second = open(folder.path, 26)
  await until(() => {
    const files = readdirSync(path.join(folder.path, 'late-refusals'))
    return files.join() === '.counting' || second.faults.length > 0
  })
  assert.equal(second.book.status().domainCount, 0)
  const counting = await loadCounting(folder.path)
  assert.ok(counting !== null && counting.sinceMs <= counting.aliveAtMs)
})

test('a disk that cannot be written: told all the same, once', async () => {
  await using folder = await temporaryFolder()
  writeFileSync(path.join(folder.path, 'late-refusals'), '')
  await using opened = open(folder.path)
  opened.book.take(seen())
  await until(() => opened.alerts.length === 1)
  await sleep(100)
  assert.equal(opened.alerts.length, 1)
  assert.ok(opened.faults.length > 0)
})
