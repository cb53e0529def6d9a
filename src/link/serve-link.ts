// The end that others connect to.

import { chmodSync, rmSync } from 'node:fs'
import net from 'node:net'
import { Channel } from './channel.ts'
import type { Json, LinkHandlers, LinkPeer } from './link.ts'

export interface LinkServerOptions {
  /** Of the unix socket; what is left there of an earlier run is removed. */
  readonly path: string
  readonly name: string
  readonly handlers: LinkHandlers
  readonly onPeer: (peer: LinkPeer) => void
  readonly onGone: (peer: LinkPeer) => void
}

export interface LinkServer {
  readonly peers: () => readonly LinkPeer[]
  /** News to all of them. */
  readonly tellAll: (method: string, value: Json) => void
  /**
   * Takes no more peers and no more questions; answers those it has. Resolves when all peers are gone, after
   * `graceMs` at most.
   */
  readonly close: (graceMs: number) => Promise<void>
}

/** sun_path of unix(7), with its end. */
export const maxPathBytes = 107

/** The caller owns the place: only one process may serve it. Rejects with the system's error. */
export async function serveLink(options: LinkServerOptions): Promise<LinkServer> {
  const { path } = options
  if (Buffer.byteLength(path) > maxPathBytes) {
    throw new Error(`the path of a socket has at most ${maxPathBytes} bytes: ${path}`)
  }
  rmSync(path, { force: true })
  const channels = new Set<Channel>()
  const server = net.createServer((socket) => {
    const channel = new Channel({
      socket,
      name: options.name,
      handlers: options.handlers,
      onHello: (peer) => {
        channels.add(channel)
        options.onPeer(peer)
      },
      onClosed: (peer) => {
        if (channels.delete(channel)) options.onGone(peer)
      },
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.removeListener('error', reject)
      server.on('error', () => undefined) // accepting fails while descriptors are short: they come again
      resolve()
    })
  })
  chmodSync(path, 0o600)
  return {
    peers: () => [...channels],
    tellAll: (method, value) => {
      for (const channel of channels) channel.tell(method, value)
    },
    close: async (graceMs) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(() => {
        for (const channel of channels) channel.destroy()
        resolve()
      }, graceMs)
      server.close(() => resolve())
      for (const channel of channels) channel.close()
      await promise
      clearTimeout(timer)
    },
  }
}
