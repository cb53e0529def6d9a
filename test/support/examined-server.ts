// A mail server to be examined, with a script for each stage, and a run of one check against it.

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, describe, test } from 'node:test'
import { systemClock } from '#base/clock.ts'
import {
  defaultLimits,
  runChecks,
  type Catching,
  type CheckLimits,
  type Report,
} from '#compliance/compliance.ts'
import type { Check, Finding, FindingKind } from '#compliance/check.ts'
import type { TlsaAnswer } from '#compliance/dane.ts'
import type { ProductionRecord } from '#compliance/production.ts'
import type { TargetRequest } from '#compliance/target.ts'
import { resolveTarget } from '#compliance/target.ts'
import type { Resolver } from '#dns/dns.ts'
import type { CertificateAndKey } from '../../demo/institute/upgrade-tls.ts'
import {
  PeerGoneError,
  startScriptedServer,
  type Script,
  type ScriptedConnection,
  type ScriptedServer,
} from './hostile-server.ts'

/** What the server knows while it answers. */
export interface ExaminedState {
  readonly connection: ScriptedConnection
  /** Open connections, this one included. */
  readonly openCount: number
  readonly isTls: boolean
  /** Reverse-path of the transaction without brackets. */
  from: string
  /** MAIL commands of this connection. */
  mailCount: number
  /** RCPT refused in this transaction, and on this connection. */
  refusedInTransaction: number
  refusedCount: number
}

/** A reply without its CR LF (several lines with CR LF between), `null` closes the connection. */
export type Reply = string | null
type Answer<Argument> = (argument: Argument, state: ExaminedState) => Reply | Promise<Reply>

export interface ExaminedOptions {
  readonly banner?: (state: ExaminedState) => Reply | Promise<Reply>
  /** Default: PIPELINING, SIZE 62914560, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES; STARTTLS with `tls`. */
  readonly keywords?: readonly string[]
  readonly ehlo?: Answer<string>
  /** The parameters behind the path are the second half of the line. */
  readonly mail?: Answer<string>
  /** Default: `existing` of the site gets 250, all others 550 5.1.1. */
  readonly rcpt?: Answer<string>
  /** Instead of 354; the content is then read, and `final` answers. */
  readonly data?: Answer<string>
  readonly final?: Answer<Buffer>
  /** Every other line; undefined: 502. */
  readonly other?: (line: string, state: ExaminedState) => Reply | undefined
  readonly starttls?: (connection: ScriptedConnection) => Promise<void>
  readonly tls?: CertificateAndKey
}

export const site = {
  domain: 'inst.example',
  existing: 'anna@inst.example',
  unknown: 'nobody@inst.example',
} as const

const usualKeywords = ['PIPELINING', 'SIZE 62914560', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES']

/** As a good server answers RCPT. */
export function goodRcpt(to: string): string {
  const address = to.toLowerCase()
  const known: readonly string[] = [
    site.existing,
    'postmaster',
    `postmaster@${site.domain}`,
    `abuse@${site.domain}`,
  ]
  if (known.includes(address)) return '250 2.1.5 Ok'
  if (!address.endsWith(`@${site.domain}`)) return '554 5.7.1 Relay access denied'
  return `550 5.1.1 <${to}>: User unknown`
}

export function examinedServer(options: ExaminedOptions): Script {
  let openCount = 0
  return async (connection) => {
    openCount += 1
    try {
      await play(options, connection, () => openCount)
    } finally {
      openCount -= 1
    }
  }
}

async function play(
  options: ExaminedOptions,
  connection: ScriptedConnection,
  openCount: () => number,
): Promise<void> {
  const state: ExaminedState = {
    connection,
    get openCount() {
      return openCount()
    },
    get isTls() {
      return connection.isTls
    },
    from: '',
    mailCount: 0,
    refusedInTransaction: 0,
    refusedCount: 0,
  }
  const send = async (reply: Reply): Promise<void> => {
    if (reply === null) throw new PeerGoneError('the script hangs up')
    await connection.send(`${reply}\r\n`)
  }
  await send(
    options.banner === undefined ? '220 mail.inst.example ESMTP' : await options.banner(state),
  )
  for (;;) {
    const line = await connection.expect(/^/, 60_000)
    const verb = line.split(' ', 1)[0]?.toUpperCase() ?? ''
    if (verb === 'QUIT') {
      await send('221 2.0.0 Bye')
      return
    }
    if (verb === 'STARTTLS' && options.starttls !== undefined) await options.starttls(connection)
    else if (verb === 'STARTTLS' && options.tls !== undefined && !connection.isTls) {
      await send('220 2.0.0 Ready')
      await connection.upgradeTls(options.tls)
    } else if (verb === 'DATA' && options.final !== undefined) {
      const go = (await options.data?.(line, state)) ?? '354 Go ahead'
      await send(go)
      if (go.startsWith('354')) {
        await send(await options.final(await connection.readContent(20_000), state))
      }
    } else await send(await answerTo(options, state, verb, line))
  }
}

async function answerTo(
  options: ExaminedOptions,
  state: ExaminedState,
  verb: string,
  line: string,
): Promise<Reply> {
  const path = /<(.*)>/.exec(line)?.[1] ?? ''
  switch (verb) {
    case 'EHLO':
    case 'HELO':
      return await (options.ehlo?.(line, state) ?? ehloReply(options, state))
    case 'MAIL': {
      state.from = path
      state.mailCount += 1
      state.refusedInTransaction = 0
      return await (options.mail?.(line, state) ?? '250 2.1.0 Ok')
    }
    case 'RCPT': {
      const reply = await (options.rcpt ?? goodRcpt)(path, state)
      if (reply?.startsWith('2') !== true) {
        state.refusedInTransaction += 1
        state.refusedCount += 1
      }
      return reply
    }
    case 'RSET':
    case 'NOOP':
      return '250 2.0.0 Ok'
    default: {
      const reply = options.other?.(line, state)
      return reply === undefined ? '502 5.5.2 Not implemented' : reply
    }
  }
}

function ehloReply({ keywords, tls, starttls }: ExaminedOptions, { isTls }: ExaminedState): string {
  const isOffered = (tls !== undefined || starttls !== undefined) && !isTls
  const lines = [
    'mail.inst.example',
    ...(keywords ?? usualKeywords),
    ...(isOffered ? ['STARTTLS'] : []),
  ]
  return lines
    .map((line, index) => `250${index < lines.length - 1 ? '-' : ' '}${line}`)
    .join('\r\n')
}

const noAnswer = { kind: 'failed', detail: 'the test names addresses only' } as const

/** A name for those checks that need one; all others name an address. */
const noResolver: Pick<Resolver, 'addresses'> = {
  addresses: (host) =>
    Promise.resolve(
      host === 'mail.inst.example' ? { kind: 'found', values: ['127.0.0.1'], ttlMs: 0 } : noAnswer,
    ),
}

export interface ExamineOptions {
  readonly target?: Partial<TargetRequest>
  readonly limits?: Partial<CheckLimits>
  readonly ca?: readonly string[]
  readonly maySend?: boolean
  readonly signal?: AbortSignal
  readonly senderDomain?: string
  readonly tlsa?: TlsaAnswer
  readonly catching?: Catching
  readonly production?: readonly ProductionRecord[]
}

const testLimits: CheckLimits = {
  ...defaultLimits,
  connectTimeoutMs: 2000,
  replyTimeoutMs: 3000,
  connectGapMs: 0,
  recipientGapMs: 0,
  retryPauseMs: 10,
  runTimeoutMs: 20_000,
  patienceMs: 300,
  returnWaitMs: 1500,
}

/** Runs checks against a port of 127.0.0.1. */
export async function examine(
  checks: readonly Check[],
  port: number,
  options: ExamineOptions = {},
): Promise<Report> {
  const signal = options.signal ?? new AbortController().signal
  const request: TargetRequest = {
    host: '127.0.0.1',
    port,
    domains: [site.domain],
    existing: [site.existing],
    unknown: [site.unknown],
    sources: [],
    ...options.target,
  }
  const target = await resolveTarget(request, noResolver, signal)
  assert.ok(target.ok, JSON.stringify(target))
  return await runChecks({
    target: target.value,
    checks,
    helloName: 'mailrelay1.example.org',
    senderDomain: options.senderDomain ?? 'probe.example.org',
    catching: options.catching ?? null,
    production: options.production ?? null,
    ca: options.ca ?? null,
    limits: { ...testLimits, ...options.limits },
    clock: systemClock,
    maySend: options.maySend ?? false,
    lookUpTlsa: () => Promise.resolve(options.tlsa ?? { kind: 'none' }),
    signal,
    emit: () => undefined,
  })
}

export interface CheckCase extends ExamineOptions {
  readonly name: string
  readonly server: ExaminedOptions | Script
  readonly kind: FindingKind
  readonly subtype?: string | null
  /** Checks that run too, because their mails are what this one looks at. */
  readonly besides?: readonly Check[]
  /** Looks closer. */
  readonly also?: (finding: Finding, report: Report, server: ScriptedServer) => void
}

/** One test a case; and one that the check can be met and can be violated. */
export function describeCheck(check: Check, cases: readonly CheckCase[]): void {
  describe(check.id, () => {
    const servers: ScriptedServer[] = []
    after(async () => {
      await Promise.all(servers.map((server) => server.close()))
    })
    for (const each of cases) {
      test(`${each.kind}: ${each.name}`, async () => {
        const script = typeof each.server === 'function' ? each.server : examinedServer(each.server)
        const server = await startScriptedServer(script)
        servers.push(server)
        const report = await examine([...(each.besides ?? []), check], server.port, each)
        const finding = report.outcomes.find((outcome) => outcome.check === check)?.finding
        assert.ok(finding !== undefined)
        assert.equal(finding.kind, each.kind, JSON.stringify(finding, null, 1))
        if (each.subtype !== undefined) assert.equal(finding.subtype, each.subtype)
        if (finding.kind === 'violated') {
          assert.ok(finding.remedy !== null, 'a violated check says what to do')
          const shownCount = finding.evidence.length + Object.keys(finding.facts).length
          assert.ok(shownCount > 0, 'a violated check shows evidence')
        }
        each.also?.(finding, report, server)
      })
    }
    test('has a case in which it is met and, unless it only measures, one in which it is not', () => {
      const kinds = new Set(cases.map(({ kind }) => kind))
      // That nothing came back proves nothing, however long it is waited for.
      assert.ok(kinds.has('met') || check.id === 'no-backscatter-longtail')
      const isNeverProven = check.id === 'open-relay' && kinds.has('undetermined')
      assert.ok(kinds.has('violated') || check.severity === 'info' || isNeverProven)
    })
  })
}

/** For `banner` and others: answers after a pause. */
export function afterMs(ms: number, reply: string): () => Promise<string> {
  return async () => {
    await sleep(ms)
    return reply
  }
}
