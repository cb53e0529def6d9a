// The wall clock jumps by a day, forward or back, while mails wait: none is held for its age before its time,
// none is stuck for a day, and they are delivered in the order in which they came.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { startRelay } from '../support/relay.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { endpointOf, sendOneMail } from '../e2e/support/mail.ts'
import { contentNamed, fatesOf, makeKnown, quick, untilDelivered } from '../e2e/support/outage.ts'

const dayMs = 24 * 3_600_000
const recipient = 'a@inst.example'
const preload = path.join(import.meta.dirname, 'support', 'shifted-clock.ts')

/** One connection, so that the institute sees the order in which the relay takes them. */
const config = {
  ...quick,
  handover: { ...quick['handover'], maxConnections: 1 },
  delivery: { ...quick['delivery'], maxConnections: 1 },
}

const jumps: readonly (readonly [string, readonly number[]])[] = [
  ['a day forward', [0, dayMs]],
  ['a day back', [0, -dayMs]],
  ['forward and back again', [0, dayMs, 0]],
  ['back and forward again', [0, -dayMs, 0]],
]

for (const [name, shiftsMs] of jumps) {
  for (const isRestarted of shiftsMs.length === 2 ? [false, true] : [false]) {
    test(`${name}${isRestarted ? ', with a restart in between' : ''}`, async () => {
      await using folder = await temporaryFolder()
      await using institute = await startInstituteServer({ mailboxes: [recipient] })
      const clock = path.join(folder.path, 'clock')
      const setClock = (shiftMs: number): Promise<void> => writeFile(clock, String(shiftMs))
      await setClock(0)
      const start = (domains: readonly { domain: string; to: string }[]) =>
        startRelay({
          domains,
          config,
          folder: folder.path,
          environment: { NODE_OPTIONS: `--import=${preload}`, PFORTE_TEST_CLOCK: clock },
        })
      await using stack = new AsyncDisposableStack()
      let relay = stack.use(await start([{ domain: 'inst.example', to: endpointOf(institute) }]))
      await makeKnown(relay, [recipient])
      institute.clear()
      await institute.pause()
      const subjects: string[] = []
      for (const shiftMs of shiftsMs) {
        await setClock(shiftMs)
        for (const place of ['one', 'two']) {
          const subject = `${place} at ${shiftMs} (${subjects.length})`
          const sent = await sendOneMail(relay, { to: recipient, content: contentNamed(subject) })
          assert.match(sent.final ?? '', /^250 /)
          subjects.push(subject)
        }
        await sleep(700)
      }
      if (isRestarted) {
        relay.signal('SIGKILL')
        await relay.ended
        relay = stack.use(await start([]))
      }
      assert.deepEqual(fatesOf(relay), Array(subjects.length).fill(recipient))
      // With the breaker open nothing is under way, so nothing of it comes behind the others.
      await relay.waitForEvent(({ event }) => event === 'next-hop-down', 20_000)
      await sleep(300)
      await institute.resume()
      await untilDelivered(relay, 20_000)
      const order = institute.mails.map(
        ({ headerText }) => /^Subject: (.*)\r$/m.exec(headerText)?.[1] ?? '',
      )
      assert.deepEqual(order.toSorted(byText), subjects.toSorted(byText))
      // One that is due may be taken just before all are made due: nobody is overtaken by more than it.
      for (const [index, subject] of subjects.entries()) {
        const place = order.indexOf(subject)
        assert.ok(place - index <= 1, `${subject} came as number ${place}: ${order.join()}`)
      }
      for (const [index, mail] of institute.mails.entries()) {
        const shiftMs = Number(/at (-?\d+) /.exec(order[index] ?? '')?.[1])
        const offMs = Math.abs(receivedAtMs(mail.headerText) - Date.now() - shiftMs)
        assert.ok(offMs < 3_600_000, 'the clock of the relay was not shifted')
      }
      assert.deepEqual(relay.events('internal-error'), [])
    })
  }
}

function byText(one: string, other: string): number {
  return one < other ? -1 : 1
}

/** What the relay wrote into its trace field. */
function receivedAtMs(headerText: string): number {
  return Date.parse(/^Received:[^;]*;\s*(.*)\r$/m.exec(headerText)?.[1] ?? '')
}
