// A process that does not run for a while, or has too little memory: open sessions go on where they were, new ones
// hear that it is not their fault, and then all is as before.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openSession, sendMail, until } from '../e2e/support/mail.ts'
import { connectRaw } from '../support/raw-client.ts'
import { assertOnlyNextIsServed, openProtocolSite } from './support/protocol-site.ts'

test('stopped for longer than the command timeout: nobody who has spoken is called late', async () => {
  const limits = { commandTimeout: '2s' }
  await using site = await openProtocolSite({ limits, load: { maxLoopDelay: '500ms' } })
  await using open = await openSession(site.relay)
  site.relay.signal('SIGSTOP')
  const asked = open.command('NOOP', 250)
  const late = await Promise.all([1, 2, 3].map(() => connectRaw({ port: site.relay.port })))
  await pause(3000)
  site.relay.signal('SIGCONT')
  await asked
  for (const client of late) {
    await client.expect(/^421 4\.3\.2 .*overloaded/)
    await client.closed()
  }
  const began = await site.relay.waitForEvent(({ event }) => event === 'shedding-began')
  assert.equal(began['shortage'], 'loop-late')
  await site.relay.waitForEvent(({ event }) => event === 'shedding-ended')
  assert.match((await sendMail(open, { to: 'a@inst.example' })).final ?? '', /^250 /)
  await assertOnlyNextIsServed(site, 1)
})

test('memory that is short: 421 to new sessions until it is not', async () => {
  const environment = { NODE_OPTIONS: '--max-old-space-size=150' }
  await using site = await openProtocolSite({ load: { maxMemory: 90 } }, environment)
  await using open = await openSession(site.relay)
  const text = readFileSync(site.relay.configFile, 'utf8')
  const reload = async (value: number, count: number): Promise<void> => {
    writeFileSync(site.relay.configFile, text.replace('maxMemory: 90', `maxMemory: ${value}`))
    site.relay.signal('SIGHUP')
    await until(() => site.relay.events('config-reloaded').length === count)
    await pause(1200)
  }
  // Of its heap the relay uses some percent from the start.
  await reload(1, 1)
  assert.equal(site.relay.events('shedding-began').at(-1)?.['shortage'], 'memory-short')
  await using refused = await connectRaw({ port: site.relay.port })
  await refused.expect(/^421 4\.3\.2 /)
  await refused.closed()
  assert.match((await sendMail(open, { to: 'a@inst.example' })).final ?? '', /^250 /)
  await reload(90, 2)
  await assertOnlyNextIsServed(site, 1)
})
