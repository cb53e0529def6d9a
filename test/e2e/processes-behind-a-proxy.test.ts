// A port for proxies is one in each worker too.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { connectRaw } from '../support/raw-client.ts'
import { endpointOf, sendMail } from './support/mail.ts'
import { onlyThrough, startProcesses, workers } from './support/processes.ts'

test('each worker takes the client of the header', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { listen: [{ address: '127.0.0.1', port: 0, proxy: ['127.0.0.1'] }] },
  })
  for (const [index, worker] of workers.entries()) {
    const address = `203.0.113.${index}`
    await onlyThrough(relay, worker, async () => {
      await using client = await connectRaw({ port: relay.port })
      await client.send(`PROXY TCP4 ${address} 192.0.2.1 40112 25\r\n`)
      await client.expect(220)
      await client.command('EHLO client.example', 250)
      assert.match((await sendMail(client, { to: 'a@inst.example' })).final ?? '', /^250 /)
    })
    const header = institute.mails.at(-1)?.headerText ?? ''
    assert.ok(header.includes(`([${address}])`))
  }
})
