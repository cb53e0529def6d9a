// The power fails under the whole relay while an institute is down and many clients bring mail: whoever
// had read a 250 by then finds the mail in the spool, byte for byte.

import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, inParallel, openSession, sendMail } from '../e2e/support/mail.ts'
import { contentNamed, makeKnown, quick } from '../e2e/support/outage.ts'
import { startRelay } from '../support/relay.ts'
import { assertNothingLost, strace } from './support/cutting.ts'
import type { Fault } from './support/expectation.ts'
import type { FileOperation } from './support/file-operations.ts'
import { cutEverywhere, type PowerCutOptions } from './support/power-cut.ts'
import { seededRandom } from './support/random.ts'
import { skipWithout } from './support/strace-program.ts'
import { readRecord, recorder, traceableEnvironment } from './support/trace.ts'
import { relayPid } from './support/traced-relay.ts'
import { workFolder } from './support/work-folder.ts'

const isLong = process.env['PFORTE_TORTURE'] === '1'
const known = 'a@inst.example'
const sessionCount = 8
const mailCount = isLong ? 200 : 16

interface Record {
  readonly operations: readonly FileOperation[]
  /** Id → the content as it was sent. */
  readonly taken: ReadonlyMap<string, string>
  /** Replies to mails that were not taken. */
  readonly otherwise: readonly string[]
}

/** Every fourth mail has a content file. */
function contentOf(number: number): string {
  const lineCount = number % 4 === 0 ? 400 : 10
  return `${contentNamed(`number ${number}`)}${`${'x'.repeat(70)}\r\n`.repeat(lineCount)}`
}

const takenOver = /^250 2\.0\.0 Ok: (\S+) .*taken over/m

async function record(work: string): Promise<Record> {
  assert.ok(strace.kind === 'ready')
  const folder = path.join(work, 'relay')
  const watched = path.join(work, 'watched')
  const logFile = path.join(work, 'strace.log')
  for (const each of [folder, watched]) await mkdir(each)
  await using institute = await startInstituteServer({ mailboxes: [known] })
  await using relay = await startRelay({
    folder,
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: {
      ...quick,
      spool: { folder: path.join(watched, 'spool') },
      limits: { maxContentInMemory: '16KiB' },
    },
    environment: traceableEnvironment,
    wrapper: recorder({ strace, logFile }),
  })
  await makeKnown(relay, [known])
  await institute.pause()
  const taken = new Map<string, string>()
  const otherwise: string[] = []
  const sessions = Array.from({ length: sessionCount }, (_, place) => place)
  await inParallel(sessions, sessionCount, async (place) => {
    await using client = await openSession(relay)
    for (let number = place; number < mailCount; number += sessionCount) {
      const content = contentOf(number)
      const { final } = await sendMail(client, { to: known, content })
      const [, id] = takenOver.exec(final ?? '') ?? []
      if (id !== undefined) taken.set(id, content)
      else otherwise.push(final ?? 'no reply')
    }
    // A client reads a 250 before strace has seen its write end, and a call that a kill interrupts is no
    // line of the log. Who can answer QUIT has ended it.
    await client.command('QUIT', 221)
  })
  process.kill(relayPid(path.join(watched, 'spool')), 'SIGKILL')
  await relay.ended
  const operations = await readRecord(logFile, { folder: watched, voice: 'sockets' })
  return { operations, taken, otherwise }
}

const judgeOf =
  (taken: Record['taken']): PowerCutOptions['judge'] =>
  (said, { entries }) => {
    const found = new Map(entries.map(({ id, content }) => [id, content.toString()]))
    return said.flatMap((text): readonly Fault[] => {
      const [, id = ''] = takenOver.exec(text) ?? []
      const sent = taken.get(id)
      if (sent === undefined) return []
      const content = found.get(id)
      if (content === undefined) return [{ kind: 'lost', detail: id }]
      return content.endsWith(`\r\n${sent}.\r\n`) ? [] : [{ kind: 'wrong-content', detail: id }]
    })
  }

test('what got 250 survives a power cut', { skip: skipWithout(strace) }, async (context) => {
  await using work = await workFolder()
  const { operations, taken, otherwise } = await record(work.path)
  // A connection that breaks while the institute goes down may leave it with the mail: 451, RFC 1047.
  assert.ok(otherwise.length <= 2, otherwise.join('\n'))
  for (const reply of otherwise) assert.match(reply, /^451 /)
  const replies = operations.filter(
    (operation) => operation.kind === 'said' && takenOver.test(operation.text),
  )
  assert.equal(replies.length, mailCount - otherwise.length)
  const random = seededRandom()
  const common = { operations, judge: judgeOf(taken), random, workFolder: work.path }
  const report = await cutEverywhere({
    ...common,
    disk: { names: 'folder' },
    variantCount: 1,
    isChancy: (moment) => moment % (isLong ? 10 : 80) === 0,
  })
  context.diagnostic(
    `${report.momentCount} moments, ${report.imageCount} disks, seed ${random.seed}: ${report.faults.length} faults`,
  )
  assertNothingLost(report)
  const careless = await cutEverywhere({
    ...common,
    disk: { names: 'folder', isIgnored: (sync) => sync.path === 'spool/spool.db-wal' },
    variantCount: 0,
    isFirstEnough: true,
  })
  assert.notEqual(careless.faults.length, 0, 'a missing sync of the log is not found')
})
