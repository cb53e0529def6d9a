// The disk of the spool fails under the whole relay: the client whose mail needs it hears 451, or nothing
// when it is not known what the disk holds; everybody else is served; what got 250 is delivered.

import assert from 'node:assert/strict'
import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type RelayOptions, type TestRelay } from '../support/relay.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { endpointOf, openSession, sendMail, until } from '../e2e/support/mail.ts'
import { arrivals, contentNamed, fatesOf, makeKnown, quick } from '../e2e/support/outage.ts'
import { findStrace, skipWithout } from './support/strace-program.ts'
import { mischiefMaker, relayPid, watchedCalls, type Mischief } from './support/traced-relay.ts'

const strace = findStrace()
const known = 'a@inst.example'
const elsewhere = 'b@other.example'

/** Nothing of the relay's own touches the spool unasked, until the institute is back. */
const calm: NonNullable<RelayOptions['config']> = {
  ...quick,
  verification: { ...quick['verification'], breakerFailures: 1 },
  delivery: { pauses: ['1h'], recoverEvery: '1h', stopTimeout: '1s' },
}

interface Scene extends AsyncDisposable {
  readonly folder: string
  /** Down from the start; knows one recipient. */
  readonly institute: InstituteServer
  readonly relay: TestRelay
  /** In the same folder, on a sound disk; the relay before it must have ended. */
  readonly startAgain: () => Promise<TestRelay>
}

async function openScene(mischief: Mischief, config: RelayOptions['config']): Promise<Scene> {
  assert.ok(strace.kind === 'ready')
  await using stack = new AsyncDisposableStack()
  const folder = await realpath(stack.use(await temporaryFolder()).path)
  const institute = stack.use(await startInstituteServer({ mailboxes: [known] }))
  const other = stack.use(await startInstituteServer({ mailboxes: [elsewhere] }))
  const wrapper = mischiefMaker(strace, folder, mischief)
  const relay = await startRelay({
    folder,
    wrapper,
    environment: { UV_THREADPOOL_SIZE: '1' }, // strace counts for each thread
    config: { ...config, limits: { maxContentInMemory: '16KiB' } },
    domains: [
      { domain: 'inst.example', to: endpointOf(institute) },
      { domain: 'other.example', to: endpointOf(other) },
    ],
  })
  stack.use(relay)
  stack.defer(() => endRelay(folder, relay))
  await makeKnown(relay, [known, elsewhere])
  await institute.pause()
  const opened = stack.move()
  return {
    folder,
    institute,
    relay,
    startAgain: async () =>
      opened.use(await startRelay({ folder, domains: [], config: { ...quick } })),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

const pidOf = (folder: string): number => relayPid(path.join(folder, 'state/spool'))

async function endRelay(folder: string, relay: TestRelay): Promise<void> {
  try {
    process.kill(pidOf(folder), 'SIGKILL')
  } catch {
    // It has ended before.
  }
  await relay.ended
}

/** The reply to the content; null when the connection ends without one. */
async function reply(relay: TestRelay, subject: string, to = known): Promise<string | null> {
  await using client = await openSession(relay)
  const content = subject.startsWith('large')
    ? `${contentNamed(subject)}${`${'x'.repeat(70)}\r\n`.repeat(2000)}`
    : contentNamed(subject)
  return await sendMail(client, { to, content }).then(
    ({ final }) => final,
    () => null,
  )
}

describe('the disk of the spool fails', { skip: skipWithout(strace), concurrency: 2 }, () => {
  test('a sync of the log: 451, hand-over goes on, SIGHUP opens the spool again', async () => {
    // The first mail takes two syncs: of the head of the log, and its own.
    const mischief = { path: 'spool/spool.db-wal', inject: 'fsync:error=EIO:when=3' }
    await using scene = await openScene(mischief, calm)
    const { relay, institute } = scene
    assert.match((await reply(relay, 'first')) ?? '', /^250 /)
    assert.match((await reply(relay, 'unlucky')) ?? '', /^451 /)
    await relay.waitForEvent(({ event }) => event === 'spool-stopped')
    assert.match((await reply(relay, 'while stopped')) ?? '', /^45[12] /)
    assert.match((await reply(relay, 'elsewhere', elsewhere)) ?? '', /^250 /)

    process.kill(pidOf(scene.folder), 'SIGHUP')
    await until(() => relay.events('spool-opened').length === 2)
    assert.match((await reply(relay, 'last')) ?? '', /^250 /)
    assert.deepEqual(fatesOf(relay), [known, known])
    await institute.resume()
    await until(() => arrivals(institute, 'last').length > 0)
    for (const [subject, count] of [
      ['first', 1],
      ['last', 1],
      ['unlucky', 0],
      ['while stopped', 0],
    ] as const) {
      assert.equal(arrivals(institute, subject).length, count, subject)
    }
  })

  test('a sync of a content file: 451, and it opens again by itself', async () => {
    const mischief = { path: 'spool/content', inject: 'fsync:error=EIO:when=1' }
    await using scene = await openScene(mischief, {
      ...calm,
      delivery: { pauses: ['1h'], recoverEvery: '1s', stopTimeout: '1s' },
    })
    const { relay, institute } = scene
    assert.match((await reply(relay, 'large and unlucky')) ?? '', /^451 /)
    assert.match((await reply(relay, 'elsewhere', elsewhere)) ?? '', /^250 /)
    await until(() => relay.events('spool-opened').length === 2)
    assert.match((await reply(relay, 'large and lucky')) ?? '', /^250 /)
    await institute.resume()
    await until(() => arrivals(institute, 'large and lucky').length > 0)
    assert.equal(arrivals(institute, 'large and unlucky').length, 0)
  })

  test('no space for the log: 45x, and the next one is taken without any repair', async () => {
    const mischief = { path: 'spool/spool.db-wal', inject: 'pwrite64:error=ENOSPC:when=2' }
    await using scene = await openScene(mischief, calm)
    assert.match((await reply(scene.relay, 'unlucky')) ?? '', /^45[12] /)
    assert.equal(scene.relay.events('spool-stopped').length, 0)
    assert.match((await reply(scene.relay, 'lucky')) ?? '', /^250 /)
    await scene.institute.resume()
    await until(() => arrivals(scene.institute, 'lucky').length > 0)
    assert.equal(arrivals(scene.institute, 'unlucky').length, 0)
  })

  test('for good: no answer at all, because it may be durable; a later start tells', async () => {
    const mischief = { path: 'spool/spool.db-wal', inject: 'fsync:error=EIO:when=3+' }
    await using scene = await openScene(mischief, calm)
    const { relay, institute } = scene
    assert.match((await reply(relay, 'first')) ?? '', /^250 /)
    assert.equal(await reply(relay, 'unlucky'), null)
    assert.match((await reply(relay, 'while stopped')) ?? '', /^45[12] /)
    assert.match((await reply(relay, 'elsewhere', elsewhere)) ?? '', /^250 /)
    process.kill(pidOf(scene.folder), 'SIGHUP')
    assert.match((await reply(relay, 'still stopped')) ?? '', /^45[12] /)

    await endRelay(scene.folder, relay)
    await institute.resume()
    await scene.startAgain()
    await until(() => arrivals(institute, 'first').length > 0)
    for (const subject of ['while stopped', 'still stopped']) {
      assert.equal(arrivals(institute, subject).length, 0, subject)
    }
    assert.ok(arrivals(institute, 'unlucky').length <= 1)
  })
})

describe('the relay is killed', { skip: skipWithout(strace) }, () => {
  test('between commit and reply: the client hears nothing, the mail is delivered', async () => {
    // The sync is done, but the relay does not hear of it for a while.
    const mischief = { path: 'spool/spool.db-wal', inject: 'fsync:delay_exit=4000000:when=2' }
    await using scene = await openScene(mischief, calm)
    const { relay, institute, folder } = scene
    const answer = reply(relay, 'in between')
    await until(() => watchedCalls(folder).length === 2)
    await endRelay(folder, relay)
    assert.equal(await answer, null)
    assert.equal(arrivals(institute, 'in between').length, 0)
    await institute.resume()
    await scene.startAgain()
    await until(() => arrivals(institute, 'in between').length > 0)
    assert.deepEqual(arrivals(institute, 'in between'), [[known]])
  })
})
