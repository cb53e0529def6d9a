// The loop against a real server on loopback: one look at a time, whatever the clock does, and none after the end.

import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type { Alert } from '#alert/alert.ts'
import type { Clock } from '#base/clock.ts'
import { systemClock } from '#base/clock.ts'
import { saveProfile } from '#compliance/profile-store.ts'
import type { RecheckEvent } from '#compliance/recheck-event.ts'
import { loadRecheck, saveRecheck } from '#compliance/recheck-store.ts'
import type { RecheckConfig } from '#config/config.ts'
import { loadConfig } from '#config/load-config.ts'
import { createRoute } from '#registry/route.ts'
import type { ServedDomain } from '#registry/registry.ts'
import { startInstituteServer, type InstituteServer } from '../../../demo/institute-server.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { openRechecks, type Rechecks } from './open-rechecks.ts'

const domain = 'inst.example'
const existing = `known@${domain}`

interface Watched extends AsyncDisposable {
  readonly folder: string
  readonly events: readonly RecheckEvent[]
  readonly alerts: readonly Alert[]
  readonly faults: readonly string[]
  readonly rechecks: Rechecks
}

interface Site {
  readonly institute: InstituteServer
  readonly recheck: Partial<RecheckConfig>
  readonly clock?: Clock
  readonly isBreakerOpen?: boolean
  /** Where the domain's mail goes; default: to the institute. */
  readonly port?: number
  /** Before the first look. */
  readonly before?: (folder: string, measuredAtMs: number) => Promise<void>
  readonly onEvent?: (event: RecheckEvent, folder: string) => void
  /** Something else is where the results would be kept. */
  readonly isFolderTaken?: true
}

async function watch(site: Site): Promise<Watched> {
  const folder = await temporaryFolder()
  const file = path.join(folder.path, 'pforte.yaml')
  const listen = '[{ address: 127.0.0.1, port: 0 }]'
  writeFileSync(file, `hostname: relay.example.org\nlisten: ${listen}\nstate: ${folder.path}\n`)
  const loaded = loadConfig({ file, environment: {} })
  assert.ok(loaded.ok)
  const { config } = loaded.value
  const { port } = site.institute
  const measuredAtMs = Date.now() - 1000
  await saveProfile(folder.path, {
    domain,
    server: `127.0.0.1:${port}`,
    measuredAtMs,
    profile: {},
    verdicts: { 'banner-220': 'met', 'rcpt-existing-accepted': 'met' },
    asked: {
      domains: [domain],
      existing: [existing],
      unknown: [],
      sources: [],
      helloName: 'relay.example.org',
      senderDomain: 'relay.example.org',
      caFile: null,
    },
  })
  await site.before?.(folder.path, measuredAtMs)
  if (site.isFolderTaken === true) writeFileSync(path.join(folder.path, 'rechecks'), '')
  const route = createRoute(
    [{ kind: 'address', address: '127.0.0.1', port: site.port ?? port }],
    'opportunistic',
  )
  const served = { domain, route, calloutRoute: route, suspension: null } as ServedDomain
  const events: RecheckEvent[] = []
  const alerts: Alert[] = []
  const faults: string[] = []
  const rechecks = openRechecks({
    config: { ...config, recheck: { ...config.recheck, ...site.recheck } },
    registry: { find: (name) => (name === domain ? served : undefined) },
    resolver: { addresses: () => assert.fail('no name is looked up') },
    nextHops: { isBreakerOpen: () => site.isBreakerOpen === true },
    clock: site.clock ?? systemClock,
    random: () => 0.5,
    raise: (alert) => alerts.push(alert),
    emit: (event) => {
      events.push(event)
      site.onEvent?.(event, folder.path)
    },
    onFault: (doing, error) => faults.push(`${doing}: ${String(error)}`),
  })
  return {
    folder: folder.path,
    events,
    alerts,
    faults,
    rechecks,
    [Symbol.asyncDispose]: async () => {
      await rechecks.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000
  while (!holds()) {
    assert.ok(performance.now() < endMs, 'it did not come')
    await sleep(20)
  }
}

test('a look when one is due, and the next one is written down', async () => {
  await using institute = await startInstituteServer({ mailboxes: [existing] })
  await using watched = await watch({ institute, recheck: { everyMs: 600, confirmAfterMs: 400 } })
  await until(() => watched.events.length > 1)
  assert.deepEqual(
    watched.events.map(({ kind }) => kind),
    watched.events.map(() => 'recheck-finished'),
  )
  const state = await loadRecheck(watched.folder, 'server', domain)
  assert.equal(state?.last?.checkCount, 2)
  assert.ok((state?.nextAtMs ?? 0) > (state?.last?.atMs ?? 0))
  assert.deepEqual(watched.faults, [])
})

test('a clock that jumps a day forward at each look at it hurries nothing', async () => {
  await using institute = await startInstituteServer({ mailboxes: [existing] })
  let jumpedMs = 0
  const now = (): number => Date.now() + (jumpedMs += 86_400_000)
  await using watched = await watch({
    institute,
    recheck: { everyMs: 60_000, confirmAfterMs: 400 },
    clock: { ...systemClock, now },
  })
  await until(() => watched.events.length > 0)
  await sleep(1500)
  assert.equal(watched.events.length, 1)
})

test('a server that is known to be down is left alone', async () => {
  await using institute = await startInstituteServer({ mailboxes: [existing] })
  const recheck = { everyMs: 500, confirmAfterMs: 400 }
  await using watched = await watch({ institute, recheck, isBreakerOpen: true })
  await sleep(1500)
  assert.equal(institute.counts.total, 0)
  assert.deepEqual(watched.events, [])
})

test('a server that the domain’s mail does not go to any more is not contacted', async () => {
  await using institute = await startInstituteServer({ mailboxes: [existing] })
  const recheck = { everyMs: 500, confirmAfterMs: 400 }
  await using watched = await watch({ institute, recheck, port: 9 })
  await until(() => watched.events.length > 0)
  const [event] = watched.events
  assert.equal(event?.kind, 'recheck-failed')
  assert.match(event?.kind === 'recheck-failed' ? event.detail : '', /is not on the route of inst/)
  assert.equal(institute.counts.total, 0)
  assert.deepEqual((await watched.rechecks.status()).failedDomains, [domain])
})

test('at the end a look that hangs is stopped at once, and nothing of it is kept', async () => {
  await using institute = await startInstituteServer({ mailboxes: [existing] })
  institute.setScript({ delayMs: { banner: 60_000 } })
  const recheck = { everyMs: 500, confirmAfterMs: 400 }
  await using watched = await watch({ institute, recheck })
  await until(() => institute.counts.total > 0)
  const startMs = performance.now()
  await watched.rechecks.close()
  assert.ok(performance.now() - startMs < 5000)
  assert.equal((await loadRecheck(watched.folder, 'server', domain))?.last, null)
  const { total } = institute.counts
  await sleep(1000)
  assert.equal(institute.counts.total, total)
  assert.deepEqual(watched.faults, [])
})

test('one look has its deadline, and the others go on', async () => {
  await using institute = await startInstituteServer({ mailboxes: [existing] })
  institute.setScript({ delayMs: { banner: 60_000 } })
  const recheck = { everyMs: 500, confirmAfterMs: 400, timeoutMs: 300 }
  await using watched = await watch({ institute, recheck })
  await until(() => watched.events.length > 0)
  assert.equal(watched.events[0]?.kind, 'recheck-failed')
})

test('a state folder that cannot be written: nobody is asked, and it is told now and then', async () => {
  await using institute = await startInstituteServer({ mailboxes: [existing] })
  const recheck = { everyMs: 6_000_000, confirmAfterMs: 400 }
  const clock = { ...systemClock, now: () => Date.now() + 86_400_000 }
  await using watched = await watch({ institute, recheck, clock, isFolderTaken: true })
  await until(() => watched.events.length > 0)
  await sleep(600)
  const [event] = watched.events
  assert.match(event?.kind === 'recheck-failed' ? event.detail : '', /EEXIST|ENOTDIR/)
  assert.equal(watched.events.length, 1)
  assert.equal(institute.counts.total, 0)
  assert.deepEqual(watched.faults, [])
})

test('what cannot be written down as told is not told again and again', async () => {
  await using institute = await startInstituteServer({ mailboxes: [existing] })
  const shape = { toldCount: 0, failedCount: 0 }
  await using watched = await watch({
    institute,
    // Tried again after 125 ms; no further look for an hour.
    recheck: { everyMs: 6000, confirmAfterMs: 400 },
    isBreakerOpen: true,
    onEvent: ({ kind }, folder) => {
      const kept = path.join(folder, 'rechecks')
      if (kind === 'verdict-changed') {
        shape.toldCount += 1
        renameSync(kept, `${kept}.away`)
        writeFileSync(kept, '')
      } else if (kind === 'recheck-failed') {
        shape.failedCount += 1
        rmSync(kept)
        renameSync(`${kept}.away`, kept)
      }
    },
    before: async (folder, measuredAtMs) => {
      await saveRecheck(folder, 'server', {
        domain,
        measuredAtMs,
        verdicts: { 'banner-220': 'violated', 'rcpt-existing-accepted': 'met' },
        suspicions: [],
        changes: [
          {
            check: 'banner-220',
            severity: 'must',
            was: 'met',
            verdict: 'violated',
            title: { de: 'Begrüßung', en: 'Greeting' },
            summary: { de: '554', en: '554' },
            atMs: Date.now(),
            isTold: false,
          },
        ],
        last: null,
        nextAtMs: Date.now() + 3_600_000,
      })
    },
  })
  const deadlineMs = performance.now() + 30_000
  const isWritten = async (): Promise<boolean> =>
    (await loadRecheck(watched.folder, 'server', domain))?.changes[0]?.isTold === true
  while (!(await isWritten())) {
    assert.ok(performance.now() < deadlineMs, 'it was not written down')
    await sleep(20)
  }
  assert.deepEqual([shape, watched.alerts.length], [{ toldCount: 1, failedCount: 1 }, 1])
})

test('off: nobody is asked', async () => {
  await using institute = await startInstituteServer({ mailboxes: [existing] })
  const recheck = { mode: 'off', everyMs: 500, confirmAfterMs: 400 } as const
  await using watched = await watch({ institute, recheck })
  await sleep(1200)
  assert.equal(institute.counts.total, 0)
  assert.equal((await watched.rechecks.status()).mode, 'off')
})
