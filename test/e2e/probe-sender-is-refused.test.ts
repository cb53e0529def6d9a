// Servers that refuse the null reverse-path are asked with the probe sender, and that is remembered.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startScriptedServer } from '../support/hostile-server.ts'
import { startRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'

test('<> refused: the probe sender asks, and the next question begins with it', async () => {
  await using server = await startScriptedServer(async (connection) => {
    await connection.send('220 picky.example\r\n')
    for (;;) {
      const line = await connection.expect(/^/)
      if (line === 'MAIL FROM:<>') await connection.send('550 5.7.1 No null senders\r\n')
      else if (line.startsWith('DATA')) {
        await connection.send('354 Go\r\n')
        await connection.readContent()
        await connection.send('250 2.0.0 Ok\r\n')
      } else if (line.includes('nobody')) await connection.send('550 5.1.1 User unknown\r\n')
      else await connection.send('250 2.0.0 Ok\r\n')
    }
  })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(server) }],
  })
  const sent = await sendOneMail(relay, { to: 'a@inst.example' })
  assert.match(sent.final ?? '', /^250 /)
  assert.ok(server.lines.includes('MAIL FROM:<>'))
  assert.ok(server.lines.includes('MAIL FROM:<postmaster@mailrelay1.example.org>'))

  const lineCount = server.lines.length
  const refused = await sendOneMail(relay, { to: 'nobody@inst.example' })
  assert.match(refused.recipients[0] ?? '', /^550 5\.1\.1 /)
  const second = await sendOneMail(relay, { to: 'b@inst.example' })
  assert.match(second.final ?? '', /^250 /)
  assert.ok(server.lines.length > lineCount)
  assert.equal(server.lines.filter((line) => line === 'MAIL FROM:<>').length, 1)
  const contents = server.connections.flatMap((connection) => connection.contents)
  assert.equal(contents.length, 2)
  assert.deepEqual(server.failures, [])
})
