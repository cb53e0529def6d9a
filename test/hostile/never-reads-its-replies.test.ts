// Commands without end from clients that never read: a bounded memory for each, however long the replies are.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { openSession, until } from '../e2e/support/mail.ts'
import {
  assertOnlyNextIsServed,
  openProtocolSite,
  type ProtocolSite,
} from './support/protocol-site.ts'

const clientCount = 4
let site: ProtocolSite
before(async () => {
  site = await openProtocolSite({
    // So many lines in the log take their time on a small machine: not what is tested here.
    load: { maxLoopDelay: '1min' },
    limits: {
      commandTimeout: '1s',
      maxCommands: 1_000_000,
      maxIdleCommands: 1_000_000,
      maxErrors: 10_000,
    },
  })
})
after(() => site[Symbol.asyncDispose]())

function residentBytes(): number {
  const status = readFileSync(`/proc/${site.relay.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

for (const command of ['EHLO a', '\u0000']) {
  test(`${JSON.stringify(command)}, 1 MB from each of ${clientCount}`, async () => {
    const before = residentBytes()
    const closedBefore = site.relay.events('session-closed').length
    const line = `${command}\r\n`
    const flood = line.repeat(Math.ceil(1_000_000 / line.length))
    const clients = await Promise.all(
      Array.from({ length: clientCount }, () => openSession(site.relay)),
    )
    for (const client of clients) {
      client.pause()
      void client.send(flood).catch(() => undefined)
    }
    await assertOnlyNextIsServed(site, site.institute.mails.length)
    const grown = (residentBytes() - before) / 1024 ** 2
    // Replies to all of the EHLO would be 100 MB. Garbage of what the kernel took is in this, too.
    assert.ok(grown < 60, `${grown} MiB more`)
    // Who does not read is let go in the end, and leaves nothing behind.
    const isOver = (): boolean =>
      site.relay.events('session-closed').length >= closedBefore + clientCount + 1
    await until(isOver, 8000)
    for (const client of clients) await client[Symbol.asyncDispose]()
  })
}
