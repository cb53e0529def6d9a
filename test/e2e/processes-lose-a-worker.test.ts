// A worker is killed: its clients send their mail again, the other worker's notice nothing, and another
// worker takes its place.

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, openSession, sendMail, sendOneMail, until } from './support/mail.ts'
import { arrivals, contentNamed } from './support/outage.ts'
import { metric, onlyThrough, pidOf, startProcesses, untilReady } from './support/processes.ts'

test('a worker is killed in the middle of two mails', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { limits: { maxContentInMemory: '1KiB' } },
  })
  const lostPid = pidOf(relay, 'worker-1')
  const incoming = path.join(relay.folder, 'state', 'spool', 'incoming')
  await using lost = await onlyThrough(relay, 'worker-1', () => openSession(relay))
  await using other = await onlyThrough(relay, 'worker-2', () => openSession(relay))
  for (const client of [lost, other]) {
    await client.command('MAIL FROM:<s@sender.example>', 250)
    await client.command('RCPT TO:<a@inst.example>', 250)
    await client.command('DATA', 354)
  }
  await lost.send(`${contentNamed('lost')}${'x'.repeat(70)}\r\n`.repeat(100))
  const folder = path.join(incoming, `worker-1.${lostPid}`)
  await until(() => existsSync(folder) && readdirSync(folder).length > 0)
  process.kill(lostPid, 'SIGKILL')
  await lost.closed()

  await other.send(`${contentNamed('other')}.\r\n`)
  await other.expect(250)
  const again = await sendMail(other, { to: 'a@inst.example', content: contentNamed('lost') })
  assert.match(again.final ?? '', /^250 /)

  await untilReady(relay, 3)
  assert.notEqual(pidOf(relay, 'worker-1'), lostPid)
  const sent = await onlyThrough(relay, 'worker-1', () =>
    sendOneMail(relay, { to: 'a@inst.example', content: contentNamed('next') }),
  )
  assert.match(sent.final ?? '', /^250 /)
  for (const subject of ['lost', 'other', 'next']) {
    assert.deepEqual(arrivals(institute, subject), [['a@inst.example']], subject)
  }
  const lostEvents = relay.events('process-lost').map(({ process, detail }) => [process, detail])
  assert.deepEqual(lostEvents, [['worker-1', 'SIGKILL']])
  assert.equal(await metric(relay, 'pforte_process_ends_total{process="worker-1"}'), 1)
  await until(() => !existsSync(folder))
})
