// A person lets a sender through the greylist of a running relay, and takes it back; and looks at it when the relay
// has stopped.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { run, startRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'

test('pforte greylist beside a relay, and after it', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { policy: { greylisting: { mode: 'defer' } } },
  })
  const send = async (from: string): Promise<string> => {
    const { final, recipients } = await sendOneMail(relay, { from, to: 'a@inst.example' })
    return final ?? recipients[0] ?? ''
  }
  assert.match(await send('s@sender.example'), /^451 4\.7\.1 /)
  const triple = ['127.0.0.9', 's@sender.example', 'a@inst.example'] as const
  // Written within half a second, and looked at by the relay at the next mail.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const shown = await relay.pforte('greylist', 'show', ...triple)
  assert.match(
    shown.stdout,
    /^127\.0\.0\.0\/24 <s@sender\.example> <a@inst\.example>\n {2}state {3}waits/,
  )
  assert.equal((await relay.pforte('greylist', 'allow', ...triple)).exitCode, 0)
  assert.match(await send('s@sender.example'), /^250 /)
  assert.match(await send('other@sender.example'), /^451 4\.7\.1 /)
  assert.equal((await relay.pforte('greylist', 'allow', '127.0.0.0/24')).exitCode, 0)
  assert.match(await send('third@sender.example'), /^250 /)
  assert.equal((await relay.pforte('greylist', 'forget', '127.0.0.1')).exitCode, 0)
  assert.equal((await relay.pforte('greylist', 'forget', ...triple)).exitCode, 0)
  assert.match(await send('s@sender.example'), /^451 4\.7\.1 /)
  assert.equal(institute.mails.length, 2)
  relay.signal('SIGTERM')
  assert.equal(await relay.ended, 0)
  const stats = await run(['greylist', 'stats', '--json', '--config', relay.configFile])
  assert.deepEqual(JSON.parse(stats.stdout), { mode: 'defer', waiting: 2, passed: 0, networks: 0 })
  const allowed = await run(['greylist', 'allow', ...triple, '--config', relay.configFile])
  assert.match(allowed.stdout, /need not wait until/)
})
