// The disk of the state is full, filled by whatever an attacker can fill it with: what remembers clients and senders
// cannot write any more. Nobody is refused for it, the relay lives, and remembers again when there is room.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, openSession, sendMail } from '../e2e/support/mail.ts'
import { mountSmallDisk, whyNoSmallDisk } from '../faults/support/small-disk.ts'
import { startRelay } from '../support/relay.ts'

const mebibyte = 1024 * 1024

test('greylist and greeting on a full disk', { skip: await whyNoSmallDisk() }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'pforte-test-'))
  const state = path.join(folder, 'state')
  const spool = { folder: path.join(folder, 'spool') }
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  try {
    await using disk = await mountSmallDisk(state, 8 * mebibyte)
    await using relay = await startRelay({
      folder,
      domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
      config: {
        policy: { greylisting: { mode: 'defer', delay: '1s' } },
        greeting: {
          exempt: [],
          connections: { mode: 'off' },
          rate: { mode: 'off' },
          pregreet: { mode: 'enforce', delay: '100ms' },
        },
        // The spool is on another disk: it is not what is tested here.
        spool,
        log: { format: 'json', file: path.join(folder, 'pforte-1.log') },
      },
    })
    const send = async (number: number, from = `s${number}@sender.example`): Promise<string> => {
      const localAddress = `127.5.${number >> 8}.${number & 255}`
      await using client = await openSession(relay, { localAddress, deadlineMs: 20_000 })
      const { final, recipients } = await sendMail(client, { from, to: 'a@inst.example' })
      return final ?? recipients[0] ?? ''
    }
    assert.match(await send(1), /^451 4\.7\.1 /)
    await pause(2000) // written by then
    await disk.fillUpTo(0)
    const replies: string[] = []
    for (let round = 0; round < 24; round += 1) {
      const some = Array.from({ length: 25 }, (_none, index) => send(256 + 25 * round + index))
      replies.push(...(await Promise.all(some)))
    }
    // Whoever is new waits, or passes because nobody knows; none is refused for good, and none hangs.
    assert.ok(replies.every((reply) => /^(?:250|451 4\.7\.1) /.test(reply)))
    const failed = [...relay.events('greylist-failed'), ...relay.events('greeting-store-failed')]
    assert.ok(failed.length >= 1 && failed.length <= 8, `${failed.length} events`)
    assert.deepEqual(relay.events('internal-error'), [])
    // From now on nobody is kept waiting by a greylist that cannot remember.
    assert.match(await send(5000), /^250 /)
    await disk.empty()
    relay.signal('SIGTERM')
    assert.equal(await relay.ended, 0)
    await using again = await startRelay({
      folder,
      domains: [],
      config: { policy: { greylisting: { mode: 'defer', delay: '1s' } }, spool },
    })
    await using client = await openSession(again, { localAddress: '127.5.0.1' })
    const first = await sendMail(client, { from: 's1@sender.example', to: 'a@inst.example' })
    assert.match(first.final ?? '', /^250 /, 'what was known before the disk was full is known')
    const second = await sendMail(client, { from: 'new@sender.example', to: 'a@inst.example' })
    assert.match(second.recipients[0] ?? '', /^451 4\.7\.1 /)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
