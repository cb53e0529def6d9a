// The yardstick: a TCP program that does for each mail a fixed number of reads and writes, and hardly anything
// else. DO NOT CHANGE IT: every number of regress.json is a multiple of what it costs. It must not import
// anything of the project, so that no change there can change it.
//
// It says something on connecting, and answers every chunk it gets with one short line for each line that
// ends in it, or for the end of content. That happens to be enough for the load generator.

import { once } from 'node:events'
import net from 'node:net'

const endOfContent = Buffer.from('\r\n.\r\n')

const server = net.createServer({ noDelay: true }, (socket) => {
  let isInContent = false
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    if (isInContent) {
      if (chunk.subarray(-5).compare(endOfContent) !== 0) return
      isInContent = false
      socket.write('250 Ok\r\n')
      return
    }
    const text = chunk.toString('latin1')
    const commandCount = text.split('\r\n').length - 1
    isInContent = text.endsWith('DATA\r\n')
    socket.write('250 Ok\r\n'.repeat(isInContent ? commandCount - 1 : commandCount))
    if (isInContent) socket.write('354 Ok\r\n')
  })
  socket.write('220 reference\r\n')
})
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 })
await once(server, 'listening')
const address = server.address()
process.send?.(typeof address === 'object' && address !== null ? address.port : 0)
process.once('disconnect', () => process.exit())
