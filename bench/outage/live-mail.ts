// Mail of everyday life beside the mass: one in so many milliseconds, each over a connection of its own.

import { sendOne } from './fast-client.ts'

export interface LiveMail {
  /** Names the mails of this stream. */
  readonly label: string
  readonly recipient: string
}

export interface LiveResult {
  /** From connecting to the reply to the content, of mails that got 250. */
  readonly latenciesMs: readonly number[]
  /** Replies to the others. */
  readonly refusals: readonly string[]
}

export interface LiveStream {
  /** Sends no more, waits for what is under way. */
  readonly stop: () => Promise<LiveResult>
}

export function startLiveMail(
  port: number,
  { label, recipient }: LiveMail,
  everyMs: number,
): LiveStream {
  const latenciesMs: number[] = []
  const refusals: string[] = []
  const underWay = new Set<Promise<void>>()
  let count = 0
  const send = async (): Promise<void> => {
    const startMs = performance.now()
    count += 1
    const name = `live-${label}-${count}`
    const reply = await sendOne(port, { name, recipient }).catch((error: unknown) => String(error))
    if (reply.startsWith('250')) latenciesMs.push(performance.now() - startMs)
    else refusals.push(reply)
  }
  const timer = setInterval(() => {
    const sending = send().finally(() => underWay.delete(sending))
    underWay.add(sending)
  }, everyMs)
  return {
    stop: async () => {
      clearInterval(timer)
      await Promise.all(underWay)
      return { latenciesMs, refusals }
    },
  }
}
