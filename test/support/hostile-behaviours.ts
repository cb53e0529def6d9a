// Next hops that misbehave, each in one way, for `startScriptedServer`. Apart from that one way they
// take every mail, so that a relay that believes them would answer 250.

import { setTimeout as sleep } from 'node:timers/promises'
import type { CertificateAndKey } from '../../demo/institute/upgrade-tls.ts'
import type { Script, ScriptedConnection } from './hostile-server.ts'

/** What the server is about to answer. `final` is the reply to the content. */
export type HostileStage =
  | 'banner'
  | 'ehlo'
  | 'starttls'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'final'
  | 'rset'
  | 'quit'

/** A reply (several lines with CR LF between) or something worse. */
export type Action = string | ((connection: ScriptedConnection) => Promise<void>)

const keywords = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE 104857600']
const usualReplies: Readonly<Record<HostileStage, string>> = {
  banner: '220 hostile.example ESMTP',
  ehlo: ehloReply([]),
  starttls: '502 5.5.1 Not offered',
  mail: '250 2.1.0 Ok',
  rcpt: '250 2.1.5 Ok',
  data: '354 Go ahead',
  final: '250 2.0.0 Ok, taken',
  rset: '250 2.0.0 Ok',
  quit: '221 2.0.0 Bye',
}
const dialogOrder: readonly HostileStage[] = ['banner', 'ehlo', 'mail', 'rcpt', 'data', 'final']
const stageOfVerb: Readonly<Record<string, HostileStage>> = {
  EHLO: 'ehlo',
  HELO: 'ehlo',
  STARTTLS: 'starttls',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'data',
  RSET: 'rset',
  QUIT: 'quit',
}
/** How long a server that says nothing waits for the relay to lose patience. */
const patienceMs = 60_000

/** A server that takes everything, except that it does `actions` at their stages, each time. */
export function playDialog(actions: Readonly<Partial<Record<HostileStage, Action>>>): Script {
  return async (connection) => {
    const act = async (stage: HostileStage): Promise<void> => {
      const action = actions[stage] ?? usualReplies[stage]
      if (typeof action === 'string') await connection.send(`${action}\r\n`)
      else await action(connection)
    }
    await act('banner')
    for (;;) {
      const line = await connection.expect(/^/, patienceMs)
      const stage = stageOfVerb[line.split(' ', 1)[0]?.toUpperCase() ?? '']
      if (stage === undefined) await connection.send('502 5.5.2 Not implemented\r\n')
      else await act(stage)
      if (stage === 'quit') return
      if (stage !== 'data' || !asksForContent(actions.data)) continue
      await connection.readContent(patienceMs)
      await act('final')
    }
  }
}

function asksForContent(action: Action | undefined): boolean {
  return action === undefined || (typeof action === 'string' && action.startsWith('354'))
}

function ehloReply(more: readonly string[]): string {
  const lines = ['hostile.example', ...keywords, ...more, 'ENHANCEDSTATUSCODES']
  return lines
    .map((line, index) => `250${index < lines.length - 1 ? '-' : ' '}${line}`)
    .join('\r\n')
}

// Out of step

/** Every reply is sent twice. */
export function earlyReplies(): Script {
  const stages = Object.entries(usualReplies)
  return playDialog(
    Object.fromEntries(stages.map(([stage, reply]) => [stage, `${reply}\r\n${reply}`])),
  )
}

/**
 * A positive reply for `stage` leaves together with the reply before it; the true answer, when the
 * question comes, is a refusal. At `final` that is 354 with an early 250.
 */
export function replyBeforeQuestion(stage: 'ehlo' | 'mail' | 'rcpt' | 'data' | 'final'): Script {
  const before = dialogOrder[dialogOrder.indexOf(stage) - 1] ?? 'banner'
  return playDialog({
    [before]: `${usualReplies[before]}\r\n${usualReplies[stage]}`,
    [stage]: '554 5.7.1 Refused, this is the true answer',
  })
}

/** 354 and at once the 250 for a content not yet sent; then the true 554. */
export function earlyFinalReply(): Script {
  return replyBeforeQuestion('final')
}

// Without end

/** `250-` lines for as long as somebody reads them. */
export function endlessReply(stage: HostileStage): Script {
  const lines = Buffer.from('250-and another line\r\n'.repeat(100))
  return playDialog({
    [stage]: async (connection: ScriptedConnection) => {
      for (;;) {
        await connection.send(lines)
        await sleep(1) // so that the test process, which reads this, gets a turn
      }
    },
  })
}

/** One line of 1 MB without an end, then silence. */
export function endlessLine(stage: HostileStage): Script {
  return playDialog({
    [stage]: async (connection: ScriptedConnection) => {
      await connection.send(`250 ${'x'.repeat(1_000_000)}`)
      await connection.untilPeerLeaves(patienceMs)
    },
  })
}

// Malformed

/** One reply with two codes: `250-` and then `550 `. */
export function contradictoryCodes(stage: HostileStage): Script {
  return playDialog({ [stage]: '250-Yes\r\n550 5.1.1 No' })
}

/** A line without a code. */
export function malformed(stage: HostileStage): Script {
  return playDialog({ [stage]: 'Hello there' })
}

/** 650, which no reply has. */
export function codeOutOfRange(stage: HostileStage): Script {
  return playDialog({ [stage]: '650 5.0.0 Beyond' })
}

/** The usual reply, ended by LF alone. */
export function bareLineFeed(stage: HostileStage): Script {
  return playDialog({
    [stage]: (connection: ScriptedConnection) => connection.send(`${usualReplies[stage]}\n`),
  })
}

// Refusals that say nothing about a recipient

export function banner554(): Script {
  return refusesWith('banner', '554 5.7.1 No mail service for you')
}

export function banner421(): Script {
  return closesWith421('banner')
}

/** 421 and the end of the connection, at any stage (RFC 5321 §3.8). */
export function closesWith421(stage: HostileStage): Script {
  return refusesWith(stage, '421 4.3.2 Shutting down')
}

/** That reply at that stage, then the end of the connection. */
export function refusesWith(stage: HostileStage, reply: string): Script {
  return playDialog({
    [stage]: async (connection: ScriptedConnection) => {
      await connection.send(`${reply}\r\n`)
      connection.end()
      await connection.untilPeerLeaves(patienceMs)
    },
  })
}

// Silence and breaking off

export function silentBanner(): Script {
  return hangsAt('banner')
}

export function hangsAfterFinalDot(): Script {
  return hangsAt('final')
}

export function closesAfterFinalDot(): Script {
  return closesAt('final')
}

/** MAIL gets its 250, and then the connection ends. */
export function closesAfterMail(): Script {
  return refusesWith('mail', usualReplies.mail)
}

/** Never answers, but takes what is sent. */
export function hangsAt(stage: HostileStage): Script {
  return playDialog({
    [stage]: (connection: ScriptedConnection) => connection.untilPeerLeaves(patienceMs),
  })
}

/** Closes its side instead of answering. */
export function closesAt(stage: HostileStage): Script {
  return playDialog({
    [stage]: async (connection: ScriptedConnection) => {
      connection.end()
      await connection.untilPeerLeaves(patienceMs)
    },
  })
}

/** TCP reset instead of an answer. */
export function resetsAt(stage: HostileStage): Script {
  return playDialog({
    [stage]: async (connection: ScriptedConnection) => {
      connection.reset()
      await connection.untilPeerLeaves(patienceMs)
    },
  })
}

/** The usual reply, byte by byte. */
export function dripsAt(stage: HostileStage, pauseMs: number): Script {
  return playDialog({
    [stage]: (connection: ScriptedConnection) =>
      connection.sendSlowly(`${usualReplies[stage]}\r\n`, pauseMs),
  })
}

// TLS

/** Plaintext behind the 220 to STARTTLS (RFC 3207 §4.2): a reply that must never be believed. */
export function startTlsInjection(certificate: CertificateAndKey): Script {
  return offersStartTls(async (connection) => {
    await connection.send(`220 Go ahead\r\n${usualReplies.ehlo}\r\n`)
    await connection.upgradeTls(certificate)
  })
}

/** 220 to STARTTLS, then bytes that are no handshake. */
export function tlsGarbage(): Script {
  return offersStartTls(async (connection) => {
    await connection.send('220 Go ahead\r\n')
    await sleep(50)
    await connection.send(Buffer.alloc(512, 0xa5))
    await connection.untilPeerLeaves(patienceMs)
  })
}

/** 220 to STARTTLS, then nothing. */
export function tlsSilence(): Script {
  return offersStartTls(async (connection) => {
    await connection.send('220 Go ahead\r\n')
    await connection.untilPeerLeaves(patienceMs)
  })
}

/** Offers STARTTLS and answers that it is not available now. */
export function startTlsUnavailable(): Script {
  return offersStartTls((connection) => connection.send('454 4.7.0 Not available now\r\n'))
}

function offersStartTls(starttls: (connection: ScriptedConnection) => Promise<void>): Script {
  const plain = ehloReply(['STARTTLS'])
  return playDialog({
    ehlo: (connection) => connection.send(`${connection.isTls ? usualReplies.ehlo : plain}\r\n`),
    starttls,
  })
}
