// An outage as two workers see it: what one of them finds out is true for both, what both take over is in
// one spool, and one process asks whether the server is back.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'
import {
  arrivals,
  contentNamed,
  fatesOf,
  makeKnown,
  quick,
  untilDelivered,
} from './support/outage.ts'
import { metric, onlyThrough, startProcesses, workers } from './support/processes.ts'

/** Takes connections and drops them at once, so that they can be counted. */
async function startSickServer(port: number): Promise<{ count: number } & Disposable> {
  const sick = { count: 0, [Symbol.dispose]: (): void => void server.close() }
  const server = createServer((socket) => {
    sick.count += 1
    socket.on('error', () => undefined)
    socket.destroy()
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return sick
}

test('an institute is down for a while', async () => {
  const to = 'a@inst.example'
  await using institute = await startInstituteServer({ mailboxes: ['a@inst.example'] })
  await using relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { ...quick, limits: { maxContentInMemory: '4KiB' } },
  })
  const large = `${contentNamed('large')}${`${'x'.repeat(76)}\r\n`.repeat(500)}`
  const send = async (content: string): Promise<void> => {
    const { final } = await sendOneMail(relay, { to, content })
    assert.match(final ?? '', /^250 /)
  }
  for (const worker of workers) await onlyThrough(relay, worker, () => makeKnown(relay, [to]))
  await institute.pause()
  using sick = await startSickServer(institute.port)

  // Small content goes over the link, large content as a file.
  await onlyThrough(relay, 'worker-1', async () => {
    await send(contentNamed('small'))
    await send(large)
    await send(contentNamed('third'))
  })
  await relay.waitForEvent((event) => event['event'] === 'next-hop-down')
  await sleep(100)
  const downCount = sick.count
  const startMs = performance.now()
  await onlyThrough(relay, 'worker-2', async () => await send(contentNamed('other worker')))
  const recoveries = Math.ceil((performance.now() - startMs) / 1000) + 1
  assert.ok(sick.count - downCount <= recoveries, 'worker 2 did not try by itself')
  assert.deepEqual(fatesOf(relay), [to, to, to, to])
  const route = `${endpointOf(institute)} tls=opportunistic`
  assert.equal(await metric(relay, `pforte_next_hop_up{route="${route}"}`), 0)
  assert.equal(relay.events('next-hop-down').length, 1)

  // One recovery question a second by the coordinator; three processes would ask three times as often.
  const beforeCount = sick.count
  await sleep(3000)
  const askedCount = sick.count - beforeCount
  assert.ok(askedCount >= 1 && askedCount <= 4, `asked ${askedCount} times in 3 s`)

  sick[Symbol.dispose]()
  await institute.resume()
  await untilDelivered(relay)
  for (const subject of ['small', 'large', 'third', 'other worker']) {
    assert.deepEqual(arrivals(institute, subject), [[to]], subject)
  }
  assert.equal(await metric(relay, `pforte_next_hop_up{route="${route}"}`), 1)
  await send(contentNamed('after'))
  assert.deepEqual(arrivals(institute, 'after'), [[to]])
})
