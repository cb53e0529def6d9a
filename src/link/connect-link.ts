// The end that connects, and connects again whenever the other one comes back.

import net from 'node:net'
import { Channel } from './channel.ts'
import { LinkError, type LinkHandlers, type LinkPeer } from './link.ts'

export interface LinkClientOptions {
  readonly path: string
  readonly name: string
  readonly handlers: LinkHandlers
  readonly onUp: (peer: LinkPeer) => void
  readonly onDown: () => void
  /** Each time that nobody could be reached; it is tried again. */
  readonly onError?: (error: NodeJS.ErrnoException) => void
}

export interface LinkClient extends LinkPeer {
  readonly isUp: () => boolean
  readonly close: () => void
}

/** The other end is a process that is being started again: it is there in a moment. */
const retryMs = 100

/** Connects in the background; until then, and whenever the other end is away, questions are refused. */
export function connectLink(options: LinkClientOptions): LinkClient {
  let channel: Channel | null = null
  let latest: Channel | null = null
  let isClosed = false
  let timer: NodeJS.Timeout | null = null
  const connect = (): void => {
    const socket = net.connect(options.path)
    if (options.onError !== undefined) socket.on('error', options.onError)
    let ready: Channel | null = null
    latest = new Channel({
      socket,
      name: options.name,
      handlers: options.handlers,
      onHello: (peer) => {
        ready = peer
        channel = peer
        options.onUp(peer)
      },
      onClosed: () => {
        if (ready !== null && channel === ready) {
          channel = null
          options.onDown()
        }
        if (!isClosed) timer = setTimeout(connect, retryMs)
      },
    })
  }
  connect()
  return {
    get name() {
      return channel?.name ?? ''
    },
    isUp: () => channel !== null,
    ask: (method, message, timeoutMs) =>
      channel?.ask(method, message, timeoutMs) ??
      Promise.reject(new LinkError('away', 'the coordinator is not there')),
    tell: (method, value) => channel?.tell(method, value),
    close: () => {
      isClosed = true
      if (timer !== null) clearTimeout(timer)
      if (channel === null) latest?.destroy()
      channel?.close()
    },
  }
}
