// The relay is killed at random moments while its institutes come and go. At the end every number that
// got 250 is at its institute, in the spool or in the hold. `make torture` runs 200 rounds,
// PFORTE_ROUNDS as many as it says; PFORTE_SEED repeats a run.

import assert from 'node:assert/strict'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { sendOneMail, until } from '../e2e/support/mail.ts'
import { quick } from '../e2e/support/outage.ts'
import {
  illModes,
  startFlappingInstitute,
  type FlappingInstitute,
} from './support/flapping-institute.ts'
import { isWhole, numberOf } from './support/numbered-mail.ts'
import { OutsideClient } from './support/outside-client.ts'
import { seededRandom, type Random } from './support/random.ts'
import { readSpool } from '../support/read-spool.ts'
import { reconcile, type Account, type KeptMail } from './support/reconcile.ts'

const isTorture = process.env['PFORTE_TORTURE'] === '1'
const roundCount = Number(process.env['PFORTE_ROUNDS'] ?? (isTorture ? 200 : 5))
const addresses = [
  'a@one.example',
  'b@one.example',
  'c@one.example',
  'a@two.example',
  'b@two.example',
] as const

/** Patience is short, so that much happens between two kills. */
const config = {
  ...quick,
  handover: {
    connectTimeout: '1s',
    commandTimeout: '400ms',
    contentTimeout: '1s',
    finalTimeout: '1s',
    idleClose: '500ms',
  },
}

test(`${roundCount} kills at random moments lose nothing`, async (t) => {
  const random = seededRandom()
  t.diagnostic(`PFORTE_SEED=${random.seed}`)
  await using folder = await temporaryFolder()
  const isExpected = (number: number, wire: Buffer): boolean => {
    const mail = client.numbers[number - 1]
    return mail === undefined ? number === -1 : isWhole(wire, mail)
  }
  await using one = await startFlappingInstitute('one.example', isExpected)
  await using two = await startFlappingInstitute('two.example', isExpected)
  const institutes = [one, two] as const
  const life = new RelayLife(folder.path, institutes, random)
  await using _relay = life
  const client = new OutsideClient({
    random,
    port: () => life.port,
    addresses,
    sessionCount: 16,
    largeShare: 0.03,
  })

  await life.start()
  // Known good from now on, so that an outage is a matter for the spool.
  for (const to of addresses) await sendOneMail({ port: life.port ?? 0 }, { to })
  const sending = client.run()
  const flapping = new AbortController()
  const flaps = institutes.map((institute) => flap(institute, random, flapping.signal))
  await using stack = new AsyncDisposableStack()
  stack.defer(async () => {
    flapping.abort()
    client.stop()
    await Promise.allSettled([sending, ...flaps])
  })
  for (let round = 1; round <= roundCount; round += 1) {
    await life.killAfter(random.between(0, 1200))
    await life.start()
  }
  flapping.abort()
  await Promise.all(flaps)
  for (const institute of institutes) await institute.change('up')
  client.finish()
  await until(() => client.isDone, 60_000)
  client.stop()
  await sending
  await until(() => waitingIn(folder.path) === 0, 60_000)
  await sleep(1000) // idle connections are closed, so that it is known what was answered
  const account = reconcile({
    numbers: client.numbers,
    taken: institutes.flatMap(({ taken }) => taken),
    kept: keptIn(folder.path),
    killsMs: life.killsMs,
  })
  report(t, account)
  assert.deepEqual(account.lost, [])
  assert.deepEqual(account.unwanted, [])
  assert.deepEqual(account.broken, [])
  assert.deepEqual(account.unexplained, [])
  // A ledger that forgot would make many of these.
  assert.ok(account.duplicates['answer-crossed'] <= 1 + roundCount / 50)
  assert.ok(account.yesCount > 10 * roundCount, `only ${account.yesCount} got 250`)
})

/** The relay, started and killed again and again in one folder. */
class RelayLife implements AsyncDisposable {
  readonly killsMs: number[] = []
  readonly #folder: string
  readonly #domains: readonly { readonly domain: string; readonly to: string }[]
  readonly #random: Random
  #relay: TestRelay | null = null
  #startCount = 0

  constructor(folder: string, institutes: readonly FlappingInstitute[], random: Random) {
    this.#folder = folder
    this.#domains = institutes.map(({ name, endpoint }) => ({ domain: name, to: endpoint }))
    this.#random = random
  }

  get port(): number | null {
    return this.#relay?.port ?? null
  }

  /** Now and then it is killed before it listens, in the middle of its recovery, and started once more. */
  async start(): Promise<void> {
    const isFirst = this.#startCount === 0
    while (!isFirst && this.#random.chance(0.2)) {
      const delayMs = this.#random.between(100, 600)
      await this.#open((signal) => setTimeout(() => signal('SIGKILL'), delayMs)).catch(() => null)
      await this.#relay?.ended
      this.#relay = null
      this.killsMs.push(performance.now())
    }
    await this.#open(() => undefined)
  }

  async killAfter(lifeMs: number): Promise<void> {
    await sleep(lifeMs)
    this.killsMs.push(performance.now())
    this.#relay?.signal('SIGKILL')
    await this.#relay?.ended
    this.#relay = null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay?.[Symbol.asyncDispose]()
  }

  async #open(onSpawned: (signal: TestRelay['signal']) => void): Promise<void> {
    const domains = this.#startCount === 0 ? this.#domains : []
    this.#startCount += 1
    this.#relay = await startRelay({ domains, config, folder: this.#folder, onSpawned })
  }
}

async function flap(
  institute: FlappingInstitute,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(random.between(30, 300))
    if (random.chance(0.03)) await institute.change('refuses-content')
    else await institute.change(random.chance(0.5) ? 'up' : random.pick(illModes))
  }
}

function waitingIn(folder: string): number {
  return readSpool(path.join(folder, 'state')).filter(({ holdReason }) => holdReason === null)
    .length
}

function keptIn(folder: string): readonly KeptMail[] {
  return readSpool(path.join(folder, 'state')).map(({ reversePath, address, holdReason }) => ({
    number: numberOf(reversePath) ?? -1,
    address,
    fate: holdReason === null ? 'waiting' : 'held',
  }))
}

function report(t: TestContext, account: Account): void {
  const { numberCount, yesCount, deliveredCount, heldCount, lost, duplicates } = account
  t.diagnostic(
    `${numberCount} numbers; recipients: ${yesCount} got 250, ${deliveredCount} delivered, ` +
      `${heldCount} held, ${lost.length} lost; duplicates: ${JSON.stringify(duplicates)}`,
  )
}
