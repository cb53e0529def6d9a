// A sender that passed is not made to wait again, over a restart too; and what is remembered is bounded.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { greet, startSite, untilLogged } from './support/greeting.ts'

const greeting = { pregreet: { mode: 'enforce', delay: '500ms' }, maxRemembered: 100 }

test('known after a restart, and not before its time', async () => {
  await using folder = await temporaryFolder()
  {
    await using site = await startSite(greeting, { folder: folder.path })
    await using first = await greet(site.relay, '127.0.12.1')
    assert.ok(first.tookMs >= 499)
    await sleep(1300) // written within a second
    site.relay.signal('SIGKILL')
    await site.relay.ended
  }
  await using site = await startSite(greeting, { folder: folder.path })
  await using known = await greet(site.relay, '127.0.12.1')
  assert.match(known.banner, /^220 /)
  assert.ok(known.tookMs < 250, `it waited ${known.tookMs} ms`)
  await using stranger = await greet(site.relay, '127.0.12.2')
  assert.match(stranger.banner, /^220-/)
})

test('a flood of strangers: some wait, the rest is let through, nobody is turned away', async () => {
  await using site = await startSite({
    pregreet: { mode: 'enforce', delay: '2s' },
    maxWaiting: 10,
    connections: { mode: 'off' },
  })
  const strangers = Array.from({ length: 40 }, (_, index) => `127.0.13.${index + 1}`)
  const greeted = await Promise.all(strangers.map((address) => greet(site.relay, address)))
  const waited = greeted.filter(({ banner }) => banner.startsWith('220-'))
  assert.equal(waited.length, 10)
  assert.ok(greeted.every(({ banner }) => /(?:^|\n)220 /.test(banner)))
  await untilLogged()
  const toldCount = site.relay.events('client-untested').length
  assert.ok(toldCount === 1 || toldCount === 2, `${toldCount} lines`) // a minute may begin in between
  for (const each of greeted) await each[Symbol.asyncDispose]()
})
