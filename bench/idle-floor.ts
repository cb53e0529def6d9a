// What the runtime alone takes for idle connections: a server of a few lines in the same Node, in clear and as a bare
// tls.Server, as the C library comes and with its blocks from 64 KiB on mapped one by one. What bench/idle.ts shows above
// that is Pforte's. `node bench/idle-floor.ts [COUNT=2000]`

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import tls from 'node:tls'
import { makeCertificate } from './support/certificate.ts'
import { pretty } from './support/numbers.ts'
import { processTree } from './support/process-tree.ts'

const [, self = '', first = '2000', certificatePath = '', keyPath = ''] = process.argv
const openAtOnce = 20
const warmCount = 200

/** Answers once, as to EHLO, and keeps what was opened. */
function serve(): void {
  const onConnection = (socket: net.Socket): void => {
    socket.on('error', () => undefined)
    socket.on('data', () => socket.write('250 ok\r\n'))
  }
  const server =
    certificatePath === ''
      ? net.createServer(onConnection)
      : tls.createServer(
          { cert: readFileSync(certificatePath), key: readFileSync(keyPath) },
          onConnection,
        )
  server.listen(0, '127.0.0.1', () => {
    const bound = server.address()
    process.send?.(typeof bound === 'object' ? bound?.port : 0)
  })
}

async function open(port: number, isTls: boolean): Promise<net.Socket> {
  const place = { port, host: '127.0.0.1' }
  const socket = isTls ? tls.connect({ ...place, rejectUnauthorized: false }) : net.connect(place)
  await once(socket, isTls ? 'secureConnect' : 'connect')
  socket.write('EHLO client.example\r\n')
  await once(socket, 'data')
  return socket
}

async function hold(port: number, isTls: boolean, count: number): Promise<readonly net.Socket[]> {
  const sockets: net.Socket[] = []
  let leftCount = count
  const opener = async (): Promise<void> => {
    while (leftCount > 0) {
      leftCount -= 1
      sockets.push(await open(port, isTls))
    }
  }
  await Promise.all(Array.from({ length: openAtOnce }, opener))
  return sockets
}

async function measure(name: string, isTls: boolean, env: NodeJS.ProcessEnv): Promise<void> {
  using certificate = await makeCertificate()
  const files = isTls ? [certificate.certificatePath, certificate.keyPath] : []
  const child: ChildProcess = fork(self, ['serve', ...files], { env: { ...process.env, ...env } })
  const [port] = (await once(child, 'message')) as [number]
  const tree = processTree(child.pid ?? 0)
  const warm = await hold(port, isTls, warmCount)
  await pause(2000)
  const before = tree.memoryBytes()
  const count = Number(first)
  const held = await hold(port, isTls, count)
  await pause(3000)
  const each = (tree.memoryBytes() - before) / count / 1024
  process.stdout.write(`${name}: ${count} idle connections, ${pretty(each)} KiB each\n`)
  for (const socket of [...warm, ...held]) socket.destroy()
  child.kill()
}

if (first === 'serve') serve()
else {
  const mapped = { MALLOC_MMAP_THRESHOLD_: '65536' }
  await measure('bare net.Server', false, {})
  await measure('bare tls.Server', true, {})
  await measure('bare tls.Server, MALLOC_MMAP_THRESHOLD_=65536', true, mapped)
}
