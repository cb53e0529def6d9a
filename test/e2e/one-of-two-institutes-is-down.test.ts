// One mail for two institutes, one of them down: its recipients alone go to the spool, and the other
// institute gets the mail once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { startRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'
import {
  arrivals,
  contentNamed,
  fatesOf,
  makeKnown,
  quick,
  untilDelivered,
} from './support/outage.ts'

const atOne = ['x@one.example', 'y@one.example']
const atTwo = ['x@two.example', 'y@two.example']

test('one up, one down', async () => {
  await using one = await startInstituteServer({ mailboxes: atOne })
  await using two = await startInstituteServer({ mailboxes: atTwo })
  await using relay = await startRelay({
    domains: [
      { domain: 'one.example', to: endpointOf(one) },
      { domain: 'two.example', to: endpointOf(two) },
    ],
    config: quick,
  })
  await makeKnown(relay, [...atOne, ...atTwo])
  await two.pause()
  const to = [...atOne, ...atTwo]
  const sent = await sendOneMail(relay, { to, content: contentNamed('both') })
  assert.match(sent.final ?? '', /^250 /)
  assert.deepEqual(arrivals(one, 'both'), [atOne])
  assert.deepEqual(fatesOf(relay), atTwo)

  await two.resume()
  await untilDelivered(relay)
  assert.deepEqual(arrivals(one, 'both'), [atOne])
  assert.deepEqual(arrivals(two, 'both'), [atTwo])
  assert.deepEqual(fatesOf(relay), [])
})

test('both down: one entry, and each gets its own recipients once', async () => {
  await using one = await startInstituteServer({ mailboxes: atOne })
  await using two = await startInstituteServer({ mailboxes: atTwo })
  await using relay = await startRelay({
    domains: [
      { domain: 'one.example', to: endpointOf(one) },
      { domain: 'two.example', to: endpointOf(two) },
    ],
    config: quick,
  })
  await makeKnown(relay, [...atOne, ...atTwo])
  await one.pause()
  await two.pause()
  const to = [...atOne, ...atTwo]
  const sent = await sendOneMail(relay, { to, content: contentNamed('both') })
  assert.match(sent.final ?? '', /^250 /)
  assert.deepEqual(fatesOf(relay), [...atOne, ...atTwo].toSorted())
  await one.resume()
  await untilOnly(relay, atTwo)
  assert.deepEqual(arrivals(one, 'both'), [atOne])
  await two.resume()
  await untilDelivered(relay)
  assert.deepEqual(arrivals(one, 'both'), [atOne])
  assert.deepEqual(arrivals(two, 'both'), [atTwo])
})

async function untilOnly(
  relay: { readonly folder: string },
  left: readonly string[],
): Promise<void> {
  const endMs = performance.now() + 15_000
  while (fatesOf(relay).join() !== left.join()) {
    assert.ok(performance.now() < endMs, `in the spool: ${fatesOf(relay).join()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
