// One question to one name server, with what c-ares does not hand out: TTLs, flags, who answered (RFC 1035 §4,
// RFC 6891). Over UDP; an answer that does not fit is a failure.

import { createSocket } from 'node:dgram'
import { randomInt } from 'node:crypto'
import { decodeMessage, encodeQuestion, type DnsMessage, type RecordType } from './message.ts'

export type { DnsMessage, DnsRecord, RecordType } from './message.ts'

export interface NameServer {
  readonly address: string
  readonly port: number
}

export type DnsReply =
  | ({ readonly kind: 'reply' } & DnsMessage)
  | { readonly kind: 'failed'; readonly detail: string }

export interface Question {
  readonly server: NameServer
  readonly name: string
  readonly type: RecordType
  /** False for authoritative servers: what they do not know they shall not look up. */
  readonly isRecursive: boolean
  /** A resolver that verifies shall hand out also what it would not believe. */
  readonly isCheckingDisabled?: true
  readonly timeoutMs: number
  readonly attemptCount: number
  readonly signal: AbortSignal
}

/** Never rejects. */
export async function queryDns(question: Question): Promise<DnsReply> {
  let reply: DnsReply = { kind: 'failed', detail: 'not asked' }
  for (let attempt = 0; attempt < question.attemptCount; attempt += 1) {
    reply = await askOnce(question)
    if (reply.kind === 'reply' || question.signal.aborted) return reply
  }
  return reply
}

function askOnce({
  server,
  name,
  type,
  isRecursive,
  isCheckingDisabled,
  timeoutMs,
  signal,
}: Question): Promise<DnsReply> {
  const id = randomInt(65_536)
  const message = encodeQuestion(id, name, type, isRecursive, isCheckingDisabled)
  if (message === null)
    return Promise.resolve({ kind: 'failed', detail: 'not a name that can be asked for' })
  return new Promise((resolve) => {
    const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4')
    const done = (reply: DnsReply): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.removeAllListeners('message')
      socket.on('error', () => undefined)
      socket.close()
      resolve(reply)
    }
    const onAbort = (): void => done({ kind: 'failed', detail: 'aborted' })
    const timer = setTimeout(() => done({ kind: 'failed', detail: 'timeout' }), timeoutMs)
    socket.once('error', (error) => done({ kind: 'failed', detail: error.message }))
    // Connected, so that only that server is heard; the port is random, the id is checked.
    socket.on('message', (bytes) => {
      const decoded = decodeMessage(bytes, id, name, type)
      if (decoded === null) return // not an answer to this question
      done(
        decoded.isTruncated
          ? { kind: 'failed', detail: 'the answer is too long for UDP' }
          : { kind: 'reply', ...decoded },
      )
    })
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) {
      onAbort()
      return
    }
    socket.connect(server.port, server.address, () => socket.send(message))
  })
}
