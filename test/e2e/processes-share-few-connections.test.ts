// Several processes keep to what a server takes, together: each has a part of its connections, the one that
// delivers from the spool too.

import assert from 'node:assert/strict'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, inParallel, sendOneMail, until } from './support/mail.ts'
import { makeKnown, quick, spoolOf, untilDelivered } from './support/outage.ts'
import { startProcesses } from './support/processes.ts'

test('two workers and the coordinator: three connections and no more', async () => {
  const addresses = Array.from({ length: 30 }, (_, index) => `x${index}@inst.example`)
  await using institute = await startInstituteServer({
    mailboxes: addresses,
    limits: { connections: 3 },
  })
  await using relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute), maxConnections: 3 }],
    config: quick,
  })
  institute.setScript({ delayMs: { final: 20 } })
  await inParallel(addresses, 12, (to) => makeKnown(relay, [to]))
  assert.equal(institute.mails.length, 30)
  assert.ok(institute.counts.peak <= 3, `${institute.counts.peak} connections`)
  assert.ok(institute.counts.peak >= 2, `${institute.counts.peak} connections`)

  // What one worker knows is everybody's once it is in the file.
  await until(() => knownCount(relay) === addresses.length, 20_000)
  await institute.pause()
  await inParallel(addresses, 6, async (to) => {
    const sent = await sendOneMail(relay, { to })
    assert.match(sent.final ?? sent.recipients[0] ?? '', /^250 /)
  })
  assert.equal(spoolOf(relay).length, 30)
  institute.clear()
  await institute.resume()
  await inParallel(addresses, 6, async (to) => {
    const sent = await sendOneMail(relay, { to })
    assert.match(sent.final ?? sent.recipients[0] ?? '', /^250 /)
  })
  await untilDelivered(relay, 30_000)
  assert.equal(institute.mails.length, 60)
  assert.ok(institute.counts.peak <= 3, `${institute.counts.peak} connections`)
})

function knownCount(relay: { readonly folder: string }): number {
  const file = path.join(relay.folder, 'state', 'recipients.db')
  const database = new DatabaseSync(file, { readOnly: true })
  const counted = "SELECT count(*) AS count FROM recipients WHERE standing = 'positive'"
  const count = Number(database.prepare(counted).get()?.['count'])
  database.close()
  return count
}
