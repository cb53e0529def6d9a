// A flood that is spread over the workers: they share what they count, and each counts alone while nobody
// tells it more.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, until } from '../e2e/support/mail.ts'
import { pidOf, startProcesses } from '../e2e/support/processes.ts'
import type { TestRelay } from '../support/relay.ts'
import { closeAll, greet, greetAll, sendFrom, type Greeted } from './support/greeting.ts'

const perAddress = 12
let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: 'all' })
  relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: {
      greeting: { exempt: [], connections: { mode: 'enforce', perAddress, perNetwork: 0 } },
    },
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

/** Connects one after the other, slowly enough for the workers to tell each other. */
async function connectSlowly(address: string, count: number): Promise<readonly Greeted[]> {
  const greeted: Greeted[] = []
  for (let index = 0; index < count; index += 1) {
    greeted.push(await greet(relay, address))
    await sleep(150)
  }
  return greeted
}

function servedCount(greeted: readonly Greeted[]): number {
  return greeted.filter(({ banner }) => banner.startsWith('220')).length
}

test('two workers let in one limit, not two', async () => {
  const clients = await connectSlowly('127.0.14.1', 30)
  const served = servedCount(clients)
  assert.ok(served >= perAddress, `${served} were served`)
  // Half a limit more at most, for what one of them had not told, and what came in the last second.
  assert.ok(served <= 1.5 * perAddress, `${served} were served`)
  assert.match((await sendFrom(relay, '127.0.14.2')).final ?? '', /^250 /)
  await closeAll(clients)
})

test('the address is let in again afterwards', async () => {
  await until(async () => {
    await using client = await greet(relay, '127.0.14.1')
    return client.banner.startsWith('220')
  })
})

test('without the coordinator each worker has a limit of its own', async () => {
  process.kill(pidOf(relay, 'coordinator'), 'SIGSTOP')
  const clients = await greetAll(relay, Array<string>(60).fill('127.0.14.3'))
  const served = servedCount(clients)
  assert.ok(served >= perAddress && served <= 2 * perAddress, `${served} were served`)
  process.kill(pidOf(relay, 'coordinator'), 'SIGCONT')
  await closeAll(clients)
  assert.match((await sendFrom(relay, '127.0.14.4')).final ?? '', /^250 /)
})
