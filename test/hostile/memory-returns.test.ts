// Attacks on memory, again and again: whatever each of them makes the relay keep meanwhile, afterwards it is where it
// was. If a third of what comes were kept, it would show.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openSession, sendOneMail, until } from '../e2e/support/mail.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import {
  openProtocolSite,
  openTransaction,
  residentBytes,
  type ProtocolSite,
} from './support/protocol-site.ts'

const mebibyte = 1024 * 1024
/** Rounds before the level is taken: code is compiled, pools and heaps have their size. */
const warmUpCount = 2
const roundCount = 4
const slackBytes = 48 * mebibyte
/** A small heap, so that what is garbage is not taken for what is kept. */
const environment = { NODE_OPTIONS: '--max-old-space-size=160 --max-semi-space-size=2' }

let site: ProtocolSite
before(async () => {
  site = await openProtocolSite(
    {
      greeting: { connections: { mode: 'off' }, rate: { mode: 'off' } },
      limits: {
        maxMessage: '64MiB',
        maxErrors: 10_000,
        maxCommands: 1_000_000,
        maxIdleCommands: 1_000_000,
        maxContentInMemory: '1MiB',
      },
      // What is looked at is memory that is kept, not what is done while it is short.
      load: { maxLoopDelay: '1min', maxMemory: 100 },
    },
    environment,
  )
})
after(() => site[Symbol.asyncDispose]())

async function closeAll(clients: readonly RawClient[]): Promise<void> {
  for (const client of clients) await client[Symbol.asyncDispose]()
}

async function open(count: number): Promise<readonly RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < count) {
    const some = Array.from({ length: 50 }, () => openSession(site.relay, { deadlineMs: 20_000 }))
    clients.push(...(await Promise.all(some)))
  }
  return clients
}

async function sendMebibytes(client: RawClient, count: number, piece: Buffer): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) await client.sendBytes(piece)
}

const letters = Buffer.alloc(mebibyte, 'x')
const lines = Buffer.from(`${'y'.repeat(62)}\r\n`.repeat(mebibyte / 64))

const attacks: Readonly<Record<string, () => Promise<void>>> = {
  '40 MiB of a command without a line end': async () => {
    await using client = await openSession(site.relay)
    await sendMebibytes(client, 40, letters)
  },
  '40 MiB of content without a line end, and no end': async () => {
    await using client = await openTransaction(site.relay)
    await client.command('DATA', 354)
    await sendMebibytes(client, 40, letters)
  },
  'contents of 8 MiB at once that are left before their end': async () => {
    const clients = await Promise.all([1, 2, 3, 4, 5].map(() => openTransaction(site.relay)))
    await Promise.all(
      clients.map(async (client) => {
        await client.command('DATA', 354)
        await sendMebibytes(client, 8, lines)
      }),
    )
    for (const client of clients) client.reset()
  },
  'a header section of 40 MiB in one field': async () => {
    await using client = await openTransaction(site.relay)
    await client.command('DATA', 354)
    await client.send('X-Long: ')
    await sendMebibytes(client, 40, letters)
    await client.send('\r\n\r\n.\r\n')
    await client.expect(/^55\d /, 60_000)
  },
  'chunks that announce 60 MiB and bring 8': async () => {
    const clients = await Promise.all([1, 2, 3, 4, 5].map(() => openTransaction(site.relay)))
    await Promise.all(
      clients.map(async (client) => {
        await client.send(`BDAT ${60 * mebibyte} LAST\r\n`)
        await sendMebibytes(client, 8, lines)
      }),
    )
    await closeAll(clients)
  },
  'a chunk of 40 MiB that nobody wants': async () => {
    await using client = await openSession(site.relay)
    await client.send(`BDAT ${40 * mebibyte}\r\n`)
    await sendMebibytes(client, 40, letters)
    await client.expect(503, 60_000)
  },
  '10,000 RCPT': async () => {
    await using client = await openSession(site.relay, { deadlineMs: 60_000 })
    const rcpts = Array.from(
      { length: 10_000 },
      (_none, index) => `RCPT TO:<r${index}@inst.example>`,
    )
    void client.send(`MAIL FROM:<>\r\n${rcpts.join('\r\n')}\r\nQUIT\r\n`).catch(() => undefined)
    await client.readReplies(10_002)
  },
  '60,000 NOOP': async () => {
    await using client = await openSession(site.relay, { deadlineMs: 60_000 })
    void client.send('NOOP\r\n'.repeat(60_000)).catch(() => undefined)
    await client.readReplies(60_000)
  },
  '20 clients with a megabyte of EHLO each that never read': async () => {
    const clients = await open(20)
    for (const client of clients) {
      client.pause()
      void client.send('EHLO a\r\n'.repeat(120_000)).catch(() => undefined)
    }
    await pause(500)
    await closeAll(clients)
  },
  '600 idle sessions, each with a line begun': async () => {
    const clients = await open(600)
    await Promise.all(clients.map((client) => client.send('MAIL FROM:<'.padEnd(2000, 'x'))))
    await closeAll(clients)
  },
  '600 transactions that are left with a reset': async () => {
    const clients = await open(600)
    await Promise.all(
      clients.map((client) =>
        client.send('MAIL FROM:<s@sender.example>\r\nRCPT TO:<a@inst.example>\r\nDATA\r\nSubject'),
      ),
    )
    for (const client of clients) client.reset()
  },
  '3,000 connections that are reset at once': async () => {
    for (let some = 0; some < 30; some += 1) {
      const clients = await Promise.all(
        Array.from({ length: 100 }, () =>
          connectRaw({ port: site.relay.port, deadlineMs: 20_000 }),
        ),
      )
      for (const client of clients) client.reset()
    }
  },
}

/** Waits until nobody is connected and the memory is below; mails meanwhile have the runtime collect. */
async function assertReturnsTo(levelBytes: number): Promise<void> {
  const endMs = performance.now() + 60_000
  let nowBytes = residentBytes(site.relay)
  while (nowBytes > levelBytes + slackBytes && performance.now() < endMs) {
    await assertNextIsServed()
    await pause(100)
    nowBytes = residentBytes(site.relay)
  }
  const grown = Math.round((nowBytes - levelBytes) / mebibyte)
  assert.ok(nowBytes <= levelBytes + slackBytes, `${grown} MiB more than before`)
}

async function assertNextIsServed(): Promise<void> {
  const { final } = await sendOneMail(site.relay, { to: 'next@inst.example' })
  assert.match(final ?? '', /^250 /)
  site.institute.clear()
}

async function untilNobodyIsLeft(): Promise<void> {
  const left = async (): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${site.relay.metricsPort}/metrics`)
    return Number(/^pforte_sessions_current (\d+)$/m.exec(await response.text())?.[1])
  }
  await until(async () => (await left()) === 0, 30_000)
}

for (const [name, attack] of Object.entries(attacks)) {
  test(`${name}: the memory is where it was`, async (t) => {
    const rounds = async (count: number): Promise<void> => {
      for (let round = 0; round < count; round += 1) await attack()
      await untilNobodyIsLeft()
      await assertNextIsServed()
    }
    await rounds(warmUpCount)
    const level = residentBytes(site.relay)
    await rounds(roundCount)
    await assertReturnsTo(level)
    const grown = (residentBytes(site.relay) - level) / mebibyte
    t.diagnostic(`${name}: ${grown.toFixed(1)} MiB above ${Math.round(level / mebibyte)} MiB`)
    // Contents that nobody wants are not left on the disk either.
    const incoming = path.join(site.relay.folder, 'state', 'spool', 'incoming')
    assert.deepEqual(await readdir(incoming), [])
  })
}
