// An institute's server that is well and ill by turns, and keeps a list of every mail it has taken: also
// of those for which it never gave, or could not give, an answer (RFC 1047).

import { setTimeout as sleep } from 'node:timers/promises'
import { playDialog, type Action } from '../../support/hostile-behaviours.ts'
import {
  startScriptedServer,
  type ScriptedConnection,
  type ScriptedServer,
} from '../../support/hostile-server.ts'
import { numberOf, traceIdOf } from './numbered-mail.ts'

export type InstituteMode =
  | 'up'
  /** The port is closed. */
  | 'down'
  | 'busy-banner'
  | 'defers-recipients'
  | 'defers-content'
  | 'refuses-content'
  /** Says nothing to RCPT, to the end of data, … but keeps the connection. */
  | 'hangs-at-recipients'
  | 'hangs-before-taking'
  /** Has the mail and does not say so. */
  | 'takes-and-hangs'
  | 'takes-and-cuts'
  | 'cuts-within-content'
  | 'slow'

/** `down` more often than the others: it costs no time, so that the spool gets much to do. */
export const illModes: readonly [InstituteMode, ...InstituteMode[]] = [
  ...(['down', 'down', 'down', 'down'] as const),
  'busy-banner',
  'defers-recipients',
  'defers-content',
  'hangs-at-recipients',
  'hangs-before-taking',
  'takes-and-hangs',
  'takes-and-cuts',
  'cuts-within-content',
  'slow',
]

export interface TakenMail {
  readonly number: number
  readonly recipients: readonly string[]
  readonly traceId: string
  readonly atMs: number
  /** Every byte is as its sender sent it. */
  readonly isExpected: boolean
  /** The relay has read the 250: it has gone on with the connection. */
  isAnswered: boolean
}

export interface FlappingInstitute extends AsyncDisposable {
  readonly name: string
  readonly endpoint: string
  readonly taken: readonly TakenMail[]
  readonly mode: () => InstituteMode
  readonly change: (mode: InstituteMode) => Promise<void>
}

type Take = (lines: readonly string[], wire: Buffer) => TakenMail

export async function startFlappingInstitute(
  name: string,
  isExpected: (number: number, wire: Buffer) => boolean,
): Promise<FlappingInstitute> {
  let mode: InstituteMode = 'up'
  const taken: TakenMail[] = []
  const take: Take = (lines, wire) => {
    const envelope = envelopeOf(lines)
    const mail: TakenMail = {
      ...envelope,
      traceId: traceIdOf(wire),
      atMs: performance.now(),
      isExpected: isExpected(envelope.number, wire),
      isAnswered: false,
    }
    taken.push(mail)
    return mail
  }
  const server = await startScriptedServer(dialogOf(() => mode, take))
  return {
    name,
    endpoint: `${server.address}:${server.port}`,
    taken,
    mode: () => mode,
    change: async (next) => {
      const before = mode
      mode = next
      if (next === 'down' && before !== 'down') await cut(server)
      if (next !== 'down' && before === 'down') await server.listen()
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

async function cut(server: ScriptedServer): Promise<void> {
  await server.pause()
  server.connections.length = 0
}

function dialogOf(
  mode: () => InstituteMode,
  take: Take,
): Parameters<typeof startScriptedServer>[0] {
  const unread = new WeakMap<ScriptedConnection, TakenMail>()
  /** What a relay says after a mail, whatever it is, it says because it has read the answer to that. */
  const goesOn = (reply: string): Action => {
    return (connection) => {
      const mail = unread.get(connection)
      if (mail !== undefined) mail.isAnswered = true
      unread.delete(connection)
      return connection.send(`${reply}\r\n`)
    }
  }
  return playDialog({
    mail: goesOn('250 2.1.0 Ok'),
    rset: goesOn('250 2.0.0 Ok'),
    quit: goesOn('221 2.0.0 Bye'),
    banner: (connection) =>
      connection.send(
        mode() === 'busy-banner' ? '421 4.3.2 Busy\r\n' : '220 inst.example ESMTP\r\n',
      ),
    rcpt: async (connection) => {
      if (mode() === 'hangs-at-recipients') return connection.untilPeerLeaves()
      if (mode() === 'slow') await sleep(100)
      if (mode() === 'defers-recipients') return connection.send('450 4.3.0 Directory is away\r\n')
      // One that takes every address is not believed in an outage.
      const isKnown = /<\w@/.test(connection.lines.at(-1) ?? '')
      await connection.send(isKnown ? '250 2.1.5 Ok\r\n' : '550 5.1.1 User unknown\r\n')
    },
    data: async (connection) => {
      await connection.send('354 Go ahead\r\n')
      if (mode() === 'cuts-within-content') return connection.reset()
      const wire = await connection.readContent(60_000)
      connection.contents.length = 0 // thousands of mails need not stay in memory
      await answerContent(connection, mode(), () => {
        unread.set(connection, take(connection.lines, wire))
      })
    },
  })
}

async function answerContent(
  connection: ScriptedConnection,
  mode: InstituteMode,
  take: () => void,
): Promise<void> {
  if (mode === 'hangs-before-taking') return connection.untilPeerLeaves()
  if (mode === 'slow') await sleep(150)
  if (mode === 'defers-content') return connection.send('451 4.3.0 Not now\r\n')
  if (mode === 'refuses-content') return connection.send('554 5.6.0 I do not want this\r\n')
  take()
  if (mode === 'takes-and-hangs') return connection.untilPeerLeaves()
  if (mode === 'takes-and-cuts') return connection.reset()
  await connection.send('250 2.0.0 Ok, taken\r\n')
}

/** Of the transaction that is open: what came since the last MAIL. */
function envelopeOf(lines: readonly string[]): {
  readonly number: number
  readonly recipients: readonly string[]
} {
  const start = lines.findLastIndex((line) => line.startsWith('MAIL FROM:'))
  const [mail = '', ...rest] = lines.slice(start)
  const recipients = rest.flatMap((line) => /^RCPT TO:<([^>]*)>/.exec(line)?.[1] ?? [])
  return { number: numberOf(/^MAIL FROM:<([^>]*)>/.exec(mail)?.[1] ?? '') ?? -1, recipients }
}
