// A worker that cannot stay alive is started again after longer and longer pauses, and the other one serves.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, sendOneMail, until } from './support/mail.ts'
import { contentNamed } from './support/outage.ts'
import { isRunning, onlyThrough, pidOf, startProcesses } from './support/processes.ts'

const lossCount = 5

test('a worker is killed whenever it has been started', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  })
  const pauses: number[] = []
  for (let loss = 1; loss <= lossCount; loss += 1) {
    const pid = pidOf(relay, 'worker-1')
    process.kill(pid, 'SIGKILL')
    await until(() => relay.events('process-lost').length === loss)
    const lostMs = performance.now()
    const content = contentNamed(`loss ${loss}`)
    const { final } = await sendOneMail(relay, { to: 'a@inst.example', content })
    assert.match(final ?? '', /^250 /)
    await until(() => pidOf(relay, 'worker-1') !== pid, 20_000)
    pauses.push(performance.now() - lostMs)
  }
  // 0, 100, 200, 400 and 800 ms; what the machine adds is in all of them.
  assert.ok(Math.max(...pauses.slice(0, 2)) < (pauses.at(-1) ?? 0), pauses.join(', '))
  assert.ok((pauses.at(-1) ?? 0) >= 700, pauses.join(', '))
  const sent = await onlyThrough(relay, 'worker-1', () =>
    sendOneMail(relay, { to: 'a@inst.example', content: contentNamed('in the end') }),
  )
  assert.match(sent.final ?? '', /^250 /)
  assert.equal(institute.mails.length, lossCount + 1)
  assert.ok(isRunning(pidOf(relay, 'coordinator')))
})
