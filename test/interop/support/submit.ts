// The smallest SMTP client that can hand a mail to a server that is known to behave. It shares no code
// with the relay under test: what one reads wrongly the other must not write wrongly.

import { connect, type Socket } from 'node:net'
import type { OutgoingMail } from './sender.ts'

const replyTimeoutMs = 60_000

/** Sends one mail to 127.0.0.1 and returns the reply to the end of data. Throws on any other reply than yes. */
export async function submit(port: number, mail: OutgoingMail): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  try {
    const replies = readReplies(socket)
    await expectReply(replies, '220')
    socket.write('EHLO client.sender.example\r\n')
    await expectReply(replies, '250')
    socket.write(`MAIL FROM:<${mail.from}>${mail.is8Bit === true ? ' BODY=8BITMIME' : ''}\r\n`)
    await expectReply(replies, '250')
    for (const recipient of mail.to) {
      socket.write(`RCPT TO:<${recipient}>\r\n`)
      await expectReply(replies, '250')
    }
    socket.write('DATA\r\n')
    await expectReply(replies, '354')
    socket.write(dotStuff(mail.message))
    socket.write('.\r\n')
    const reply = await expectReply(replies, '250')
    socket.write('QUIT\r\n')
    await expectReply(replies, '221')
    return reply
  } finally {
    socket.destroy()
  }
}

/** The content as DATA carries it, without the final dot line. Lines must end with CRLF. */
export function dotStuff(message: Buffer): Buffer {
  return Buffer.from(message.toString('latin1').replaceAll(/^\./gm, '..'), 'latin1')
}

async function expectReply(replies: AsyncGenerator<string, void>, code: string): Promise<string> {
  const next = await replies.next()
  if (next.done === true) throw new Error(`connection closed while waiting for ${code}`)
  if (!next.value.startsWith(code)) throw new Error(`expected ${code}, got ${next.value}`)
  return next.value
}

async function* readReplies(socket: Socket): AsyncGenerator<string, void> {
  socket.setEncoding('latin1')
  socket.setTimeout(replyTimeoutMs, () => {
    socket.destroy(new Error(`no reply within ${replyTimeoutMs} ms`))
  })
  let pending = ''
  for await (const chunk of socket) {
    pending += String(chunk)
    for (;;) {
      const reply = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/.exec(pending)?.[0]
      if (reply === undefined) break
      pending = pending.slice(reply.length)
      yield reply.trimEnd()
    }
  }
}
