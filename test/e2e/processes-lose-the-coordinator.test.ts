// The coordinator is killed: mail is handed over without it; what needs the spool waits for the next one;
// what is in the spool is delivered by that.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, sendOneMail, until } from './support/mail.ts'
import {
  arrivals,
  contentNamed,
  fatesOf,
  makeKnown,
  quick,
  untilDelivered,
} from './support/outage.ts'
import { onlyThrough, pidOf, startProcesses, workers } from './support/processes.ts'

test('the coordinator is killed twice', async () => {
  const to = 'a@inst.example'
  await using institute = await startInstituteServer({ mailboxes: ['a@inst.example'] })
  await using relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: quick,
  })
  const send = async (subject: string): Promise<string> =>
    (await sendOneMail(relay, { to, content: contentNamed(subject) })).final ?? ''
  for (const worker of workers) await onlyThrough(relay, worker, () => makeKnown(relay, [to]))

  await institute.pause()
  assert.match(await send('before'), /^250 /)
  await institute.resume()
  process.kill(pidOf(relay, 'coordinator'), 'SIGKILL')
  assert.match(await send('meanwhile'), /^250 /)
  assert.equal(relay.events('spool-opened').length, 1, 'it was handed over without the coordinator')
  await until(() => relay.events('spool-opened').length === 2, 20_000)
  await untilDelivered(relay)

  await institute.pause()
  process.kill(pidOf(relay, 'coordinator'), 'SIGKILL')
  await until(() => relay.events('process-lost').length === 2)
  const reply = await send('needs the spool')
  assert.match(reply, /^(?:250|451) /)
  const isTaken = reply.startsWith('250')
  assert.deepEqual(fatesOf(relay), isTaken ? [to] : [])
  await institute.resume()
  await untilDelivered(relay)
  for (const subject of ['before', 'meanwhile']) {
    assert.deepEqual(arrivals(institute, subject), [[to]], subject)
  }
  assert.equal(arrivals(institute, 'needs the spool').length, isTaken ? 1 : 0)
})
