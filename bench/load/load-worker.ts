// The load generator: one process, many sessions. Started by start-load.ts.

import { setTimeout as pause } from 'node:timers/promises'
import { nowMs, type Job, type LoadResult, type MailPlan } from './job.ts'
import { SmtpClient } from './smtp-client.ts'

/** Sessions that are opened at the same time when they are only to be held. */
const openAtOnce = 50
/** How long a mail at a fixed rate may take. */
const patienceMs = 60_000

let newCount = 0
let held: readonly SmtpClient[] = []
let dripTimer: NodeJS.Timeout | null = null
const dripEveryMs = 1000

process.on('message', (job: Job) => {
  void run(job).then((result) => process.send?.(result))
})
process.once('disconnect', () => process.exit())

async function run(job: Job): Promise<LoadResult> {
  const tally = new Tally()
  switch (job.kind) {
    case 'closed':
      await closed(job, tally)
      return tally.result()
    case 'open':
      await open(job, tally)
      return tally.result()
    case 'hold':
      await hold(job, tally)
      return tally.result()
    case 'drip':
      await drip(job, tally)
      return tally.result()
    case 'release':
      if (dripTimer !== null) clearInterval(dripTimer)
      dripTimer = null
      for (const client of held) client.destroy()
      held = []
      return tally.result()
  }
}

class Tally {
  readonly #startMs = nowMs()
  readonly #latenciesMs: number[] = []
  #acceptedCount = 0
  #refusedCount = 0
  #refusal = ''

  accept(latencyMs: number | null): void {
    this.#acceptedCount += 1
    if (latencyMs !== null) this.#latenciesMs.push(latencyMs)
  }

  refuse(error: unknown): void {
    this.#refusedCount += 1
    if (this.#refusal === '') this.#refusal = String(error)
  }

  result(): LoadResult {
    return {
      startMs: this.#startMs,
      endMs: nowMs(),
      acceptedCount: this.#acceptedCount,
      refusedCount: this.#refusedCount,
      refusal: this.#refusal,
      latenciesMs: this.#latenciesMs,
    }
  }
}

async function closed(job: Extract<Job, { kind: 'closed' }>, tally: Tally): Promise<void> {
  let leftCount = job.mailCount
  const take = (): boolean => {
    leftCount -= 1
    return leftCount >= 0
  }
  const session = async (): Promise<void> => {
    while (leftCount > 0) await sendSession(job.plan, job.mailsPerSession, take, tally)
  }
  await Promise.all(Array.from({ length: job.sessionCount }, session))
}

/** Sends as long as `take` gives mails, which the sessions share. A refused mail ends its session. */
async function sendSession(
  plan: MailPlan,
  maxCount: number,
  take: () => boolean,
  tally: Tally,
): Promise<void> {
  const startMs = performance.now()
  let client: SmtpClient | null = null
  for (let count = 0; count < maxCount && take(); count += 1) {
    try {
      client ??= await SmtpClient.open(plan.port, plan.isTls)
      await client.send(plan, recipientsOf(plan))
      tally.accept(maxCount === 1 ? performance.now() - startMs : null)
    } catch (error) {
      tally.refuse(error)
      break
    }
  }
  client?.quit()
}

async function open(job: Extract<Job, { kind: 'open' }>, tally: Tally): Promise<void> {
  const underWay: Promise<void>[] = []
  const startMs = performance.now()
  for (let count = 0; count < job.mailCount; count += 1) {
    const dueMs = startMs + (count * 1000) / job.perSecond
    await pause(Math.max(0, dueMs - performance.now()))
    underWay.push(sendSession(job.plan, 1, () => true, tally))
  }
  await Promise.race([Promise.all(underWay), pause(patienceMs, undefined, { ref: false })])
}

async function hold(job: Extract<Job, { kind: 'hold' }>, tally: Tally): Promise<void> {
  const clients: SmtpClient[] = []
  let leftCount = job.sessionCount
  const opener = async (): Promise<void> => {
    while (leftCount > 0) {
      leftCount -= 1
      try {
        clients.push(await SmtpClient.open(job.port, job.isTls ?? false))
        tally.accept(null)
      } catch (error) {
        tally.refuse(error)
      }
    }
  }
  await Promise.all(Array.from({ length: openAtOnce }, opener))
  held = [...held, ...clients]
}

async function drip(job: Extract<Job, { kind: 'drip' }>, tally: Tally): Promise<void> {
  const { port, domain, sessionCount } = job
  const dripping = new Set<SmtpClient>()
  const begin = async (index: number): Promise<void> => {
    const client = await SmtpClient.open(port, false)
    if (index % 2 === 1) {
      await client.ask('MAIL FROM:<sender@outside.example>\r\n', '2')
      await client.ask(`RCPT TO:<user0@${domain}>\r\n`, '2')
      await client.ask('DATA\r\n', '3')
    }
    dripping.add(client)
    held = [...dripping]
  }
  const indices = Array.from({ length: sessionCount }, (_, index) => index)
  const opener = async (): Promise<void> => {
    for (let index = indices.pop(); index !== undefined; index = indices.pop()) {
      await begin(index).then(
        () => tally.accept(null),
        (error: unknown) => tally.refuse(error),
      )
    }
  }
  await Promise.all(Array.from({ length: openAtOnce }, opener))
  let count = 0
  dripTimer = setInterval(() => {
    for (const client of dripping) {
      if (client.drip('ab')) continue
      dripping.delete(client)
      void begin((count += 1)).catch(() => undefined)
    }
  }, dripEveryMs)
}

function recipientsOf({ recipients, recipientCount, domain }: MailPlan): readonly string[] {
  return Array.from({ length: recipientCount }, (_, index) => {
    if (recipients === 'known') return `user${index}@${domain}`
    newCount += 1
    return `user9${newCount}@${domain}`
  })
}
