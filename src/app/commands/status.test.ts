// `pforte status` on a link of its own; with a relay behind it: test/e2e/processes-share-the-work.test.ts.

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { serveLink } from '#link/serve-link.ts'
import { calls, message } from '#app/processes/calls.ts'
import type { RelayStatus } from '#app/processes/relay-status.ts'
import { runCommandLine } from '#app/commands.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'

async function run(folder: string, ...args: readonly string[]): Promise<readonly string[]> {
  const file = path.join(folder, 'pforte.yaml')
  const listen = '[{ address: 127.0.0.1, port: 25 }]'
  writeFileSync(file, `hostname: relay.example\nlisten: ${listen}\nstate: ./state\n`)
  let [stdout, stderr] = ['', '']
  const code = await runCommandLine(['status', '--config', file, ...args], {
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    environment: {},
    isTerminal: false,
    signal: new AbortController().signal,
  })
  return [String(code), stdout, stderr]
}

/** The `count`th look. */
function statusOf(count: number): RelayStatus {
  return {
    processes: [
      {
        name: 'worker-1',
        pid: 10,
        uptimeMs: 3_720_000,
        residentBytes: 100 * 1024 * 1024,
        cpuMs: 1000 + 500 * count,
        sessionCount: 7,
        mailCount: 1000 * count,
        recipientCount: 2 * count,
      },
    ],
    targets: [
      {
        route: 'up.example:25 tls=opportunistic',
        isDown: false,
        sinceMs: Date.now() - 60_000,
        connectionCount: 1,
        lastFailure: null,
      },
      {
        route: 'down.example:25 tls=opportunistic',
        isDown: true,
        sinceMs: Date.now() - 5_000,
        connectionCount: 0,
        lastFailure: 'evil\u001b[31m\r\nwords',
      },
    ],
    spool: {
      state: { kind: 'open' },
      entryCount: 2,
      waitingCount: 3,
      heldCount: 1,
      sizeBytes: 2048,
    },
    rechecks: {
      mode: 'on',
      domainCount: 2,
      lastAtMs: Date.now() - 60_000,
      failedDomains: [],
      changedCount: 1,
      changed: [
        {
          domain: 'inst.example',
          check: 'tls-expiry',
          severity: 'should',
          was: 'met',
          verdict: 'violated',
          sinceMs: Date.UTC(2026, 9, 5),
        },
      ],
    },
    lateRefusals: {
      domainCount: 1,
      degradedCount: 1,
      domains: [
        {
          domain: 'inst.example',
          contentCount: 2,
          recipientCount: 0,
          degradedSinceMs: Date.UTC(2026, 9, 6),
          summary: '2 refusals after DATA in 24 h, the last: “550 \u001b[31mSpam”.',
        },
      ],
    },
  }
}

test('rates are those between two looks; servers that are down come first; peers cannot colour', async () => {
  await using folder = await temporaryFolder()
  mkdirSync(path.join(folder.path, 'state'))
  let count = 0
  const server = await serveLink({
    path: path.join(folder.path, 'state', 'link.sock'),
    name: 'relay',
    handlers: { asked: { [calls.status]: async () => message(statusOf((count += 1))) }, told: {} },
    onPeer: () => undefined,
    onGone: () => undefined,
  })
  const [code, stdout = '', stderr] = await run(folder.path)
  assert.deepEqual([code, stderr], ['0', ''])
  assert.match(
    stdout,
    /^worker-1 +10 +1h 2min +100 MiB +(?:4|5)\d % +7 +(?:8|9)\d\d +(?:1\.\d|2\.0)$/m,
  )
  assert.match(
    stdout,
    /institutes:\n {2}down\.example.* DOWN for 5s, 0 connections, last failure: /,
  )
  assert.match(stdout, /\n {2}up\.example:25 tls=opportunistic {2}up for 1min, 1 connection\n/)
  assert.match(stdout, /\nSpool: open; 2 mails, 3 recipients waiting, 1 held, 2\.0 KiB\n/)
  assert.match(
    stdout,
    /\nRechecks: 2 domains, last 1min ago, 1 changed verdict\n {2}inst\.example: tls-expiry \(should\) was met, is violated since 2026-10-05T00:00:00/,
  )
  assert.ok(!stdout.includes('\u001b') && !stdout.includes('\r'))
  const [, json = ''] = await run(folder.path, '--json')
  const { spool, processes } = JSON.parse(json) as Record<string, unknown>
  assert.deepEqual(spool, {
    state: 'open',
    entryCount: 2,
    waitingCount: 3,
    heldCount: 1,
    sizeBytes: 2048,
    stoppedSince: null,
    stoppedBecause: null,
  })
  assert.ok(Array.isArray(processes))
  await server.close(1000)
})

test('no relay: 1, and what to do', async () => {
  await using folder = await temporaryFolder()
  const [code, stdout, stderr] = await run(folder.path)
  assert.deepEqual([code, stdout], ['1', ''])
  assert.match(
    stderr ?? '',
    /no relay runs with this configuration: nobody listens on .*link\.sock/,
  )
})

test('a relay that does not answer the question: 1, in time', async () => {
  await using folder = await temporaryFolder()
  mkdirSync(path.join(folder.path, 'state'))
  const server = await serveLink({
    path: path.join(folder.path, 'state', 'link.sock'),
    name: 'relay',
    handlers: { asked: {}, told: {} },
    onPeer: () => undefined,
    onGone: () => undefined,
  })
  const [code, , stderr] = await run(folder.path)
  assert.equal(code, '1')
  assert.match(stderr ?? '', /the relay gave no answer: nobody answers status/)
  await server.close(1000)
})
