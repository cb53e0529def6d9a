// HAProxy in TCP mode: no mail relay at all, but the floor for anything that stands between two sockets.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  freePort,
  makeFolder,
  removeFolder,
  startDaemon,
} from '../../test/interop/support/daemon.ts'
import type { Peer } from './peer.ts'

/** `program`: absolute. */
export function haproxy(program: string): Peer {
  return {
    name: 'HAProxy, TCP',
    version:
      /version (\S+)/.exec(execFileSync(program, ['-v'], { encoding: 'utf8' }))?.[1] ?? 'unknown',
    note: 'passes bytes on; the floor',
    abilities: new Set(),
    maxSessionCount: 5000,
    start: async ({ targetPort }) => {
      const folder = makeFolder('haproxy-bench')
      const port = await freePort()
      const file = path.join(folder, 'haproxy.cfg')
      writeFileSync(file, configuration(port, targetPort))
      const command = [program, '-db', '-f', file]
      const daemon = await startDaemon({ command, folder, port, user: 'root' })
      return {
        port,
        pid: daemon.pid,
        [Symbol.asyncDispose]: async () => {
          await daemon[Symbol.asyncDispose]()
          removeFolder(folder)
        },
      }
    },
  }
}

function configuration(port: number, targetPort: number): string {
  return `
global
  maxconn 6000
defaults
  mode tcp
  timeout connect 5s
  timeout client 5m
  timeout server 5m
  option splice-auto
listen smtp
  bind 127.0.0.1:${port} backlog 4096
  server next 127.0.0.1:${targetPort}
`
}
