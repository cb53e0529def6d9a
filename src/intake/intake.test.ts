// Limits of a session that take longer than a scenario may: over real sockets, with short times.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '#base/clock.ts'
import { Deadlines } from '#base/deadlines.ts'
import { openListener } from '#net/listener.ts'
import { accept } from '#verdict/verdict.ts'
import { connectRaw, type RawClient } from '../../test/support/raw-client.ts'
import { scriptedNextHops, servedDomain } from '../../test/support/scripted-next-hops.ts'
import { openTemporarySpool } from '../../test/support/temporary-spool.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import {
  ContentMemory,
  GuessBook,
  MemoryLedgerBook,
  openIntake,
  RelayedLedger,
  type Intake,
  type IntakeEvent,
  type SessionLimits,
} from './intake.ts'

interface Served extends AsyncDisposable {
  readonly port: number
  readonly intake: Intake
  readonly memory: ContentMemory
  readonly events: readonly IntakeEvent[]
}

/** Takes every recipient of inst.example; its next hops take no mail. */
async function serve(sessionMs: number, commandMs = 2000): Promise<Served> {
  const folder = await temporaryFolder()
  const spool = await openTemporarySpool(folder.path)
  const { now, monotonicMs } = systemClock
  const deadlines = new Deadlines({ monotonicMs, intervalMs: 10 })
  const events: IntakeEvent[] = []
  const memory = new ContentMemory(1_000_000)
  const domain = servedDomain('inst.example')
  const recipients = {
    verify: () => ({ verdict: accept, source: 'cache', isKnownGood: true, tookMs: 0 }) as const,
    learn: () => accept,
  }
  const emit = (event: IntakeEvent): void => void events.push(event)
  const maxMessageBytes = 1_000_000
  const hostname = 'relay.example.org'
  let sessionCount = 0
  const limits: SessionLimits = {
    rules: {
      hostname,
      isTlsOffered: false,
      isChunkingOffered: true,
      isPipeliningEnforced: false,
      maxMessageBytes,
      maxRecipientCount: 100,
      maxTransactionCount: 100,
      maxErrorCount: 20,
      maxCommandCount: 2000,
      maxIdleCommandCount: 100,
      unknownRecipientDelayAfterCount: 5,
      unknownRecipientDelayMs: 0,
      maxUnknownRecipientCount: 20,
    },
    timeouts: { commandMs, dataMs: 2000, minBytesPerSecond: 0, sessionMs },
  }
  const intake = openIntake(() => ({
    ...limits,
    strained: limits,
    otherSessionCount: () => 0,
    strainAtPercent: 100,
    shortage: () => null,
    isShort: () => false,
    maxStrainedHandshakeCount: 100,
    deadlines,
    tlsContext: () => null,
    monotonicMs,
    emit,
    maxSessionCount: 10,
    nextTraceId: () => `S${(sessionCount += 1)}`,
    desk: {
      recipientJudge: {
        registry: { find: (name) => (name === domain.domain ? domain : undefined) },
        recipients,
        hostname,
        postmaster: null,
        maxMessageBytes,
        isRoutingAccepted: false,
      },
      mailRules: null,
      guessing: {
        book: new GuessBook({
          rules: () => ({ mode: 'off', maxUnknownCount: 1, maxQuestionCount: 1 }),
          monotonicMs: () => performance.now(),
          emit: () => undefined,
        }),
        isKnown: () => false,
      },
      finish: {
        hostname,
        maxHopCount: 50,
        maxHeaderBytes: 10_000,
        handoverBudgetMs: 1000,
        nextHops: scriptedNextHops(),
        recipients,
        ledger: new RelayedLedger(new MemoryLedgerBook(now)),
        spool,
        firstAttemptMs: now,
        now,
        emit: () => undefined,
      },
      contentMemory: memory,
      maxContentInMemoryBytes: 100_000,
      bareNewlines: 'reject',
      contentFolder: folder.path,
      monotonicMs,
      emit,
    },
  }))
  const listener = await openListener({
    address: '127.0.0.1',
    port: 0,
    onConnection: intake.accept,
    onError: (error) => {
      throw error
    },
  })
  return {
    port: listener.address.port,
    intake,
    memory,
    events,
    [Symbol.asyncDispose]: async () => {
      listener.close()
      await intake.drain(0)
      await spool.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function greet(served: Served): Promise<RawClient> {
  const client = await connectRaw({ port: served.port })
  await client.expect(220)
  await client.command('EHLO client.example', 250)
  return client
}

function closeReasons(served: Served): readonly string[] {
  return served.events.flatMap((event) => (event.kind === 'session-closed' ? [event.reason] : []))
}

async function drip(client: RawClient, text: string, forMs: number): Promise<void> {
  const endMs = performance.now() + forMs
  while (performance.now() < endMs) {
    await client.send(text).catch(() => undefined)
    await sleep(20)
  }
}

test('content that drips ends with the session, and its memory is free again', async () => {
  await using served = await serve(300)
  await using client = await greet(served)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.command('DATA', 354)
  await drip(client, 'x\r\n', 600)
  await client.expect(421)
  await client.closed()
  assert.deepEqual(closeReasons(served), ['timeout'])
  assert.equal(served.memory.usedBytes, 0)
  assert.equal(served.intake.sessionCount(), 0)
})

test('a command that drips ends with the session too', async () => {
  await using served = await serve(300)
  await using client = await greet(served)
  await drip(client, 'N', 600)
  await client.expect(421)
  await client.closed()
  assert.deepEqual(closeReasons(served), ['timeout'])
})

test('a command line that does not end is refused, and none of it is carried out', async () => {
  await using served = await serve(5000)
  await using client = await greet(served)
  await client.send(`NOOP ${'x'.repeat(100_000)}`)
  await client.send('\r\nRSET\r\n')
  await client.expect(500)
  await client.expect(250)
})

test('a fault while a mail is handed over: 421, the client keeps its mail, the rest goes on', async () => {
  await using served = await serve(5000)
  await using other = await greet(served)
  await using client = await greet(served)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.command('DATA', 354)
  await client.command('Subject: x\r\n\r\nText.\r\n.', /^421 4\.3\.0 /) // these next hops throw
  await client.closed()
  assert.equal(served.events.filter(({ kind }) => kind === 'internal-error').length, 1)
  await other.command('NOOP', 250)
  await sleep(50)
  assert.equal(served.memory.usedBytes, 0)
  assert.deepEqual(closeReasons(served), ['internal-error'])
})

test('drain: 421 to idle sessions, new ones are refused', async () => {
  await using served = await serve(5000)
  await using client = await greet(served)
  const drained = served.intake.drain(1000)
  await client.expect(/^421 4\.3\.2 /)
  await client.closed()
  client.end()
  await drained
  await using late = await connectRaw({ port: served.port })
  await late.expect(/^421 4\.3\.2 .*shutting down/)
  await late.closed()
  assert.deepEqual(closeReasons(served), ['draining'])
})
