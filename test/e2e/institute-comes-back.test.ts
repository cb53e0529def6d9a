// The institute is down: mail for known-good recipients gets 250, waits in the spool over restarts and
// kills of the relay, and is delivered once when the institute is back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { startRelay } from '../support/relay.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'
import {
  arrivals,
  contentNamed,
  fatesOf,
  makeKnown,
  quick,
  untilDelivered,
} from './support/outage.ts'

const known = ['a@inst.example', 'b@inst.example']

test('down, 250, back, delivered once', async () => {
  await using institute = await startInstituteServer({ mailboxes: known })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: quick,
  })
  await makeKnown(relay, known)
  await institute.pause()
  const large = `${contentNamed('large')}${`${'x'.repeat(70)}\r\n`.repeat(12_000)}`
  for (const [subject, content] of [
    ['first', contentNamed('first')],
    ['second', contentNamed('second')],
    ['large', large],
  ] as const) {
    const sent = await sendOneMail(relay, { to: known, content })
    assert.match(sent.final ?? '', /^250 2\.0\.0 /, subject)
  }
  assert.equal(fatesOf(relay).length, 6)

  await institute.resume()
  await untilDelivered(relay)
  for (const subject of ['first', 'second', 'large']) {
    assert.deepEqual(arrivals(institute, subject), [known], subject)
  }
  assert.equal(institute.mails.at(-1)?.wire?.toString().endsWith(`${large}.\r\n`), true)
  assert.deepEqual(fatesOf(relay), [])
  assert.deepEqual(relay.events('internal-error'), [])
})

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`the relay is ended by ${signal} in the outage`, async () => {
    await using folder = await temporaryFolder()
    await using institute = await startInstituteServer({ mailboxes: known })
    const domains = [{ domain: 'inst.example', to: endpointOf(institute) }]
    const subjects = ['one', 'two', 'three']
    {
      await using relay = await startRelay({ domains, config: quick, folder: folder.path })
      await makeKnown(relay, known)
      await institute.pause()
      for (const subject of subjects) {
        const sent = await sendOneMail(relay, { to: known, content: contentNamed(subject) })
        assert.match(sent.final ?? '', /^250 /)
      }
      relay.signal(signal)
      await relay.ended
    }
    assert.equal(fatesOf({ folder: folder.path }).length, 6)
    await using relay = await startRelay({ domains: [], config: quick, folder: folder.path })
    await institute.resume()
    await untilDelivered(relay)
    for (const subject of subjects) assert.deepEqual(arrivals(institute, subject), [known])
    assert.deepEqual(fatesOf(relay), [])
  })
}
