// Eight mails of 50 MiB at once through one relay: do they arrive intact, how long does it take, and how
// much does the relay's resident memory grow? `node bench/large-mails.ts [COUNT] [MIB]`

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { startInstituteServer } from '../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../test/support/relay.ts'

const count = Number(process.argv[2] ?? 8)
const mebibytes = Number(process.argv[3] ?? 50)
const maxGrowthMiB = 64

const line = `${'A'.repeat(76)}\r\n`
const block = Buffer.from(line.repeat(1024))
const header = Buffer.from('From: <a@sender.example>\r\nSubject: large\r\n\r\n')
const blockCount = Math.floor((mebibytes * 1024 ** 2 - header.length) / block.length)

await using institute = await startInstituteServer({
  mailboxes: 'all',
  extensions: { sizeBytes: 104_857_600 },
  keepContent: false,
})
await using relay = await startRelay({
  domains: [{ domain: 'inst.example', to: `127.0.0.1:${institute.port}` }],
})

await sendMail(relay.port, 'warm@inst.example', 1)
const before = residentMiB(relay)
let peak = before
const watch = setInterval(() => (peak = Math.max(peak, residentMiB(relay))), 20)
const startMs = performance.now()
const names = Array.from({ length: count }, (_, index) => `r${index}@inst.example`)
await Promise.all(names.map((name) => sendMail(relay.port, name, blockCount)))
const seconds = (performance.now() - startMs) / 1000
await pause(200)
clearInterval(watch)

const arrived = institute.mails.filter((mail) => mail.sizeBytes > 1024 ** 2)
const isIntact =
  arrived.length === count &&
  arrived.every((mail) => mail.sha256 === hashBehind(traceOf(mail.headerText)))
const throughput = (count * mebibytes) / seconds
const print = (text: string): void => void process.stdout.write(`${text}\n`)
print(
  `${count} mails of ${mebibytes} MiB at once: ${seconds.toFixed(1)} s, ${throughput.toFixed(0)} MiB/s`,
)
print(`arrived ${arrived.length}, ${isIntact ? 'intact (SHA-256)' : 'NOT INTACT'}`)
print(`resident memory before ${before.toFixed(0)} MiB, peak ${peak.toFixed(0)} MiB`)
print(`growth ${(peak - before).toFixed(0)} MiB, limit ${maxGrowthMiB} MiB`)
process.exitCode = isIntact && peak - before < maxGrowthMiB ? 0 : 1

/** What the relay put in front. */
function traceOf(headerText: string): string {
  return headerText.slice(0, headerText.indexOf('From: '))
}

function hashBehind(trace: string): string {
  const hash = createHash('sha256').update(trace).update(header)
  for (let index = 0; index < blockCount; index += 1) hash.update(block)
  return hash.digest('hex')
}

async function sendMail(port: number, recipient: string, blocks: number): Promise<void> {
  const socket = net.connect({ host: '127.0.0.1', port })
  await reply(socket, /^220 /)
  socket.write('EHLO bench.example\r\n')
  await reply(socket, /^250 /m)
  socket.write(`MAIL FROM:<a@sender.example>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`)
  await reply(socket, /^354 /m)
  socket.write(header)
  for (let index = 0; index < blocks; index += 1) {
    if (!socket.write(block)) await once(socket, 'drain')
  }
  socket.write('.\r\n')
  await reply(socket, /^250 /m)
  socket.end('QUIT\r\n')
}

function reply(socket: net.Socket, last: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const onData = (chunk: Buffer): void => {
      text += chunk.toString()
      if (!last.test(text)) {
        if (/^[45]/m.test(text)) reject(new Error(text))
        return
      }
      socket.removeListener('data', onData)
      resolve(text)
    }
    socket.on('data', onData)
    socket.once('error', reject)
  })
}

function residentMiB({ pid }: TestRelay): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024
}
