// The institute's server of a rehearsal: says yes, and throws away what it is given.

import type { Connection } from '#net/connection.ts'
import { openListener } from '#net/listener.ts'

export interface RehearsalServer {
  readonly port: number
  readonly close: () => void
}

const hello = [
  '250-rehearsal.invalid',
  '250-PIPELINING',
  '250-SIZE 104857600',
  '250-8BITMIME',
  '250 ENHANCEDSTATUSCODES\r\n',
].join('\r\n')
const replies: Readonly<Record<string, string>> = {
  EHLO: hello,
  DATA: '354 Go ahead\r\n',
  QUIT: '221 2.0.0 Bye\r\n',
}
const yes = '250 2.0.0 Ok\r\n'
/** A server that knew everybody would be taken for one that accepts everybody. */
const known = /^RCPT TO:<(?:known|new|later)/
const unknown = '550 5.1.1 User unknown\r\n'
const later = '451 4.3.0 Later\r\n'
const endOfData = Buffer.from('\r\n.\r\n')

export async function openRehearsalServer(): Promise<RehearsalServer> {
  const open = new Set<Connection>()
  const listener = await openListener({
    address: '127.0.0.1',
    port: 0,
    onConnection: (connection) => serve(connection, open),
    onError: () => undefined,
  })
  return {
    port: listener.address.port,
    close: () => {
      listener.close()
      for (const connection of open) connection.destroy()
    },
  }
}

function serve(connection: Connection, open: Set<Connection>): void {
  let isContent = false
  let isForLater = false
  open.add(connection)
  connection.attach({
    onData: (chunk) => {
      let said = ''
      if (isContent) {
        if (!chunk.subarray(-endOfData.length).equals(endOfData)) return
        isContent = false
        said = isForLater ? later : yes
      } else {
        for (const line of chunk.toString('latin1').split('\r\n').slice(0, -1)) {
          const verb = line.slice(0, 4)
          isContent = verb === 'DATA'
          if (verb === 'RCPT') isForLater = line.startsWith('RCPT TO:<later')
          said += verb === 'RCPT' && !known.test(line) ? unknown : (replies[verb] ?? yes)
        }
      }
      connection.write(said)
    },
    onEnd: () => connection.end(),
    onDrain: () => undefined,
    onClose: () => open.delete(connection),
  })
  connection.write('220 rehearsal.invalid ESMTP\r\n')
}
