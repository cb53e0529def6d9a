// What the scenarios have in common: a client that sends whole mails, and looking at what an institute
// was asked.

import type { InstituteServer } from '../../../demo/institute-server.ts'
import { connectRaw, type RawClient, type RawClientOptions } from '../../support/raw-client.ts'

export interface MailToSend {
  /** Default s@sender.example. */
  readonly from?: string
  readonly to: string | readonly string[]
  /** Behind MAIL FROM:<…>, with its leading space. */
  readonly parameters?: string
  /** In wire form without the end mark; must end in CR LF. */
  readonly content?: string | Buffer
}

/** Replies as they came. Null: it did not come to that. */
export interface SentMail {
  readonly mail: string
  readonly recipients: readonly string[]
  readonly data: string | null
  /** The reply to the content. */
  readonly final: string | null
}

export const plainContent: string =
  'From: s@sender.example\r\nSubject: plain\r\n\r\nA line.\r\n..stuffed\r\n'

/** A session that has said EHLO. */
export async function openSession(
  relay: { readonly port: number },
  options: Omit<RawClientOptions, 'port'> = {},
): Promise<RawClient> {
  const client = await connectRaw({ ...options, port: relay.port })
  await client.expect(220)
  await client.command('EHLO client.example', 250)
  return client
}

/** One transaction, command by command. A mail without any recipient taken ends with RSET. */
export async function sendMail(client: RawClient, mail: MailToSend): Promise<SentMail> {
  const { from = 's@sender.example', to, parameters = '', content = plainContent } = mail
  const opened = await client.command(`MAIL FROM:<${from}>${parameters}`)
  const recipients: string[] = []
  for (const address of typeof to === 'string' ? [to] : to) {
    recipients.push(await client.command(`RCPT TO:<${address}>`))
  }
  if (!recipients.some((reply) => reply.startsWith('250'))) {
    if (opened.startsWith('250') && !recipients.some((reply) => reply.startsWith('421'))) {
      await client.command('RSET', 250)
    }
    return { mail: opened, recipients, data: null, final: null }
  }
  const data = await client.command('DATA')
  if (!data.startsWith('354')) return { mail: opened, recipients, data, final: null }
  await client.sendBytes(Buffer.concat([Buffer.from(content), Buffer.from('.\r\n')]))
  return { mail: opened, recipients, data, final: await client.expect() }
}

/** One mail in a session of its own. */
export async function sendOneMail(
  relay: { readonly port: number },
  mail: MailToSend,
): Promise<SentMail> {
  await using client = await openSession(relay)
  const sent = await sendMail(client, mail)
  await client.command('QUIT', 221)
  return sent
}

/** How often an institute heard RCPT for that address: questions and deliveries. */
export function rcptCount(institute: InstituteServer, address: string): number {
  return institute.commandTexts.filter((text) => text === `RCPT TO:<${address}>`).length
}

/** `127.0.0.1:PORT`, as `pforte domain add --to` takes it. */
export function endpointOf(server: { readonly address: string; readonly port: number }): string {
  return `${server.address}:${server.port}`
}

/** Waits until `holds` does; rejects after `timeoutMs`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`it did not become true: ${holds.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Times short enough for tests; the breaker stays out of the way. */
export const impatient = {
  verification: {
    connectTimeout: '2s',
    commandTimeout: '1s',
    totalTimeout: '4s',
    breakerFailures: 1000,
  },
  handover: {
    connectTimeout: '2s',
    commandTimeout: '1s',
    contentTimeout: '1s',
    finalTimeout: '2s',
  },
} as const

/** Runs `work` for each item, `count` at a time: enough to save waiting, not so much that all get slow. */
export async function inParallel<Item>(
  items: readonly Item[],
  count: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const queue = [...items.entries()]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      await work(next[1], next[0])
    }
  }
  await Promise.all(Array.from({ length: count }, worker))
}
