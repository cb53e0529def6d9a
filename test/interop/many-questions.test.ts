// Real servers are asked for many recipients, one after the other. Some end a connection after a number of
// questions: no recipient may be deferred for it, and the server is not taken for down.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectRaw } from '../support/raw-client.ts'
import { startRelay } from '../support/relay.ts'
import { domain, institutes } from './support/matrix.ts'
import { findPrograms, prefixOf, skipReason } from './support/programs.ts'

const programs = findPrograms()
const mailboxes = Array.from({ length: 30 }, (_, index) => `reader${index}`)
/** Fewer than the relay slows a client down for. */
const strangers = ['nobody1', 'nobody2', 'nobody3', 'nobody4']

for (const { name, start } of institutes) {
  const skip = skipReason(programs, name)
  test(
    `${name} is asked for ${mailboxes.length} recipients`,
    { skip, timeout: 120_000 },
    async () => {
      await using institute = await start(prefixOf(programs, name), { domain, mailboxes })
      await using relay = await startRelay({
        domains: [{ domain, to: `127.0.0.1:${institute.port}` }],
      })
      await using client = await connectRaw({ port: relay.port })
      await client.expect()
      await client.command('EHLO mx.sender.example', 250)
      await client.command('MAIL FROM:<someone@sender.example>', 250)
      for (const mailbox of mailboxes) await client.command(`RCPT TO:<${mailbox}@${domain}>`, 250)
      for (const stranger of strangers) await client.command(`RCPT TO:<${stranger}@${domain}>`, 550)
      assert.deepEqual(relay.events('next-hop-down'), [])
      const asked = relay.events('recipient-asked').filter(({ outcome }) => outcome === 'unknown')
      assert.deepEqual(asked, [])
    },
  )
}
