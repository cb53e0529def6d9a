// The demo is what a mail operator sees first, and it checks itself; here it runs as `make demo` runs it.

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { connectSender } from '../../demo/sender.ts'
import { isOpensslAvailable } from '../support/certificates.ts'
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts'

const program = path.join(import.meta.dirname, '..', '..', 'demo', 'demo.ts')
const timeoutMs = 120_000

interface Demo {
  readonly process: ChildProcess
  readonly text: () => string
  readonly exitCode: Promise<number | null>
  /** Rejects when the demo ends, or takes too long, before it says that. */
  readonly waitFor: (words: RegExp) => Promise<RegExpExecArray>
}

/** Its temporary files go into `folder`, so that what it leaves behind can be seen. */
function startDemo(folder: TemporaryFolder, environment: NodeJS.ProcessEnv): Demo {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, TMPDIR: folder.path, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
  })
  let text = ''
  const heard = (chunk: Buffer): void => void (text += chunk.toString())
  child.stdout.on('data', heard)
  child.stderr.on('data', heard)
  const exitCode = once(child, 'close').then(([code]) => code as number | null)
  return {
    process: child,
    text: () => text,
    exitCode,
    waitFor: async (words) => {
      const giveUpAt = performance.now() + timeoutMs
      for (;;) {
        const found = words.exec(text)
        if (found !== null) return found
        const isOver = child.exitCode !== null || performance.now() > giveUpAt
        assert.ok(!isOver, `the demo never said ${words.source}:\n${text}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function pidOf(text: string): number {
  return Number(/accepts mail on \S+, process (\d+)/.exec(text)?.[1])
}

test('ONCE=1 plays all scenes as expected and leaves nothing behind', async () => {
  await using folder = await temporaryFolder()
  const demo = startDemo(folder, { ONCE: '1' })
  const exitCode = await demo.exitCode
  const text = demo.text()
  assert.equal(exitCode, 0, text)
  const lines = [
    / {4}added physics\.example: mail\.physics\.example:\d+/,
    /\n1 {2}A mail is delivered\n/,
    /S: 250 2\.0\.0 Ok: \S+ mail\.physics\.example says: 250 2\.0\.0 Ok:/,
    / {2}> Received: from mx\.sender\.example \(\[127\.0\.0\.1\]\)\n/,
    /S: 550 5\.1\.1 <nobody@physics\.example>: mail\.physics\.example says: 550 5\.1\.1/,
    /S: 451 4\.4\.1 <carol@geology\.example>: mail\.geology\.example does not answer:/,
    /S: 250 2\.0\.0 Ok: \S+ taken over for later delivery\n/,
    / {4}physics\.example +3 +0 /,
    /S: 554 5\.6\.0 mail\.history\.example says: 554 5\.6\.0 Executable/,
    /\(the institute creates newcomer@physics\.example\)\n[^]*S: 250 2\.1\.5 Ok\n/,
    /content {2}the same at both ends/,
    /memory {3}[\d.]+ MiB before, at most [\d.]+ MiB meanwhile/,
    / {4}\d{4}-\d\d-\d\d \S+ \w{5} refused +<nobody@physics\.example> from/,
    / {2}outcome {4}undeliverable\n/,
    /accepted {4}6 mails /,
    /of these {4}3 mails /,
    /refused {5}1 mail /,
    /refused {5}2 recipients /,
    /temporary {3}1 recipient /,
  ]
  for (const line of lines) assert.match(text, line)
  // Several deliveries run at once, so the order is open, and with it where the sentence is wrapped.
  assert.match(text.replaceAll(/\s+/g, ' '), /the institute has all of them: [^.]*\bTides\b/)
  assert.ok(!text.includes('\u001b'), 'colours without a terminal')
  // Only what has to be copied in one piece, such as the path of a file, may be longer.
  const tooLong = text.split('\n').filter((line) => line.length > 80 && !line.includes(folder.path))
  assert.deepEqual(tooLong, [])
  assert.deepEqual(await readdir(folder.path), [])
  assert.equal(isRunning(pidOf(text)), false)
})

test('received fields name the encryption', { skip: await withoutOpenssl() }, async () => {
  await using folder = await temporaryFolder()
  const demo = startDemo(folder, {})
  await demo.waitFor(/from here on encrypted: TLSv1\.3/)
  await demo.waitFor(/ {2}> {9}by mailrelay1\.example \(Pforte\) with ESMTPS id /)
  demo.process.kill('SIGTERM')
  assert.equal(await demo.exitCode, 143, 'interrupted before the end is no success')
  assert.deepEqual(await readdir(folder.path), [])
  assert.equal(isRunning(pidOf(demo.text())), false)
})

async function withoutOpenssl(): Promise<string | false> {
  return (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'
}

test('without openssl, with its port taken, it runs until it is stopped', async () => {
  await using folder = await temporaryFolder()
  await using tools = await temporaryFolder()
  const openssl = path.join(tools.path, 'openssl')
  await writeFile(openssl, '#!/bin/sh\nexit 127\n')
  await chmod(openssl, 0o755)
  const neighbour = createServer()
  // Somebody else may have it already, which does as well.
  neighbour.on('error', () => undefined)
  const demo = startDemo(folder, { PATH: `${tools.path}:${process.env['PATH'] ?? ''}` })
  try {
    // The port is chosen by now and not yet open: the relay's start fails and has to be tried again.
    await demo.waitFor(/export PFORTE_CONFIG=/)
    neighbour.listen(2525, '127.0.0.1')
    await demo.waitFor(/No openssl command here/)
    await demo.waitFor(/Port 2525 is taken/)
    const [, port] = await demo.waitFor(/swaks --server 127\.0\.0\.1:(\d+) --from/)
    const sender = await connectSender(Number(port))
    const commands = ['EHLO me.example', 'MAIL FROM:<>', 'RCPT TO:<alice@physics.example>', 'DATA']
    for (const command of commands) await sender.command(command)
    assert.equal((await sender.content(Buffer.from('A: b\r\n\r\nc\r\n'), '')).code, 250)
    await sender.quit()
    await demo.waitFor(/mail\.physics\.example got a mail of \d+ bytes: <> to <alice@physics/)
    demo.process.kill('SIGINT')
    assert.equal(await demo.exitCode, 0)
  } finally {
    demo.process.kill('SIGKILL')
    neighbour.close()
  }
  assert.match(demo.text(), /\nStopping\.\n$/)
  assert.ok(!demo.text().includes('STARTTLS\n'))
  assert.deepEqual(await readdir(folder.path), [])
  assert.equal(isRunning(pidOf(demo.text())), false)
})

test('a reader that goes away ends it quietly', async () => {
  await using folder = await temporaryFolder()
  const demo = startDemo(folder, { ONCE: '1' })
  await demo.waitFor(/accepts mail on/)
  demo.process.stdout?.destroy()
  assert.equal(await demo.exitCode, 0)
  assert.doesNotMatch(demo.text(), /EPIPE|Error/)
  assert.deepEqual(await readdir(folder.path), [])
  assert.equal(isRunning(pidOf(demo.text())), false)
})

test('two at the same time do not get in the way of each other', async () => {
  await using folder = await temporaryFolder()
  const demos = [startDemo(folder, { ONCE: '1' }), startDemo(folder, { ONCE: '1' })]
  const exitCodes = await Promise.all(demos.map((demo) => demo.exitCode))
  assert.deepEqual(exitCodes, [0, 0], demos.map((demo) => demo.text()).join('\n'))
  assert.deepEqual(await readdir(folder.path), [])
})

test('when the relay dies, it says so and fails', async () => {
  await using folder = await temporaryFolder()
  const demo = startDemo(folder, { ONCE: '1' })
  const [, pid] = await demo.waitFor(/accepts mail on \S+, process (\d+)/)
  process.kill(Number(pid), 'SIGKILL')
  assert.equal(await demo.exitCode, 1)
  assert.match(
    demo.text(),
    /\nThe demo did not go as expected:\n {2}- the relay has ended by itself: /,
  )
  assert.deepEqual(await readdir(folder.path), [])
})
