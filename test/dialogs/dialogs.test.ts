// Plays every transcript in this folder in memory and over loopback, whole and byte by byte. In memory the
// judgements are scripted; over loopback the program itself runs, with an institute's server behind it.
//
// Options of a case: `@ unknown ADDRESS` and `@ defer ADDRESS` (refused with 550 5.1.1, 450 4.2.0; the same
// in every case, since the relay remembers), `@ final REPLY` (to the content), `@ relayed N` (mails the
// institute has afterwards; default 0), `@ content TEXT` (wire form of the last one, \r\n escaped),
// `@ tls yes` (STARTTLS is offered), `@ only whole`.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { createAuthority, isOpensslAvailable, type TestAuthority } from '../support/certificates.ts'
import {
  parseDialogs,
  runDialog,
  type DialogCase,
  type DialogMode,
  type DialogTransport,
} from '../support/dialog.ts'
import { friendlyScript, MemorySession, testRules } from '../support/memory-session.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { splitTrace } from '../support/trace-fields.ts'

interface Outcome {
  readonly relayedCount: number
  /** Wire form of the last mail, without the relay's own trace fields. */
  readonly content: string
}

interface Playing {
  readonly transport: DialogTransport
  readonly outcome: () => Promise<Outcome>
}

type Play = (dialog: DialogCase) => Promise<Playing>

const modes: readonly DialogMode[] = ['whole', 'byte-by-byte']
const domains = ['inst.example', 'xn--mnchen-3ya.example']
const unknownReply = '550 5.1.1 User unknown'
const deferReply = '450 4.2.0 Busy'

function readFiles(): ReadonlyMap<string, readonly DialogCase[]> {
  const names = globSync('*.dialog', { cwd: import.meta.dirname }).toSorted()
  return new Map(
    names.map((name) => {
      const parsed = parseDialogs(readFileSync(path.join(import.meta.dirname, name), 'utf8'))
      assert.ok(parsed.ok, parsed.ok ? '' : `${name}: ${parsed.problem}`)
      return [name, parsed.value]
    }),
  )
}

const hasOpenssl = await isOpensslAvailable()
const files = readFiles()
const allCases = [...files.values()].flat()

function valuesOf(dialog: DialogCase, key: string): readonly string[] {
  return dialog.options.get(key) ?? []
}

function lastOf(dialog: DialogCase, key: string): string | undefined {
  return valuesOf(dialog, key).at(-1)
}

/** Over all cases: a relay that has once heard of a mailbox would go on believing it. */
function refusals(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const dialog of allCases) {
    for (const address of valuesOf(dialog, 'unknown')) found.set(address, unknownReply)
    for (const address of valuesOf(dialog, 'defer')) found.set(address, deferReply)
  }
  return found
}

/** In memory. */
function playInMemory(dialog: DialogCase): Promise<Playing> {
  const final = lastOf(dialog, 'final') ?? friendlyScript.final
  const session = new MemorySession(
    { ...testRules, isTlsOffered: lastOf(dialog, 'tls') === 'yes' },
    { servedDomains: domains, refusals: refusals(), final },
  )
  let taken = 0
  const nextLine = async (): Promise<string> => {
    const end = session.output.indexOf('\r\n', taken)
    if (end < 0 && session.isClosed) return 'closed'
    if (end < 0) throw new Error('nothing more was said')
    const line = session.output.slice(taken, end)
    taken = end + 2
    return line
  }
  const outcome = async (): Promise<Outcome> => ({
    relayedCount: session.relayed.length,
    content: session.relayed.at(-1)?.content.toString('latin1') ?? '',
  })
  const transport = { send: (bytes: Buffer) => session.push(bytes), nextLine, close: () => {} }
  return Promise.resolve({ transport, outcome })
}

/** Over loopback, through one relay for all cases (one more with a certificate). */
class Loopback implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack
  readonly #institute: InstituteServer
  readonly #plain: TestRelay
  /** Null where openssl is missing. */
  readonly #withTls: TestRelay | null

  private constructor(
    stack: AsyncDisposableStack,
    institute: InstituteServer,
    plain: TestRelay,
    withTls: TestRelay | null,
  ) {
    this.#stack = stack
    this.#institute = institute
    this.#plain = plain
    this.#withTls = withTls
  }

  static async open(): Promise<Loopback> {
    await using stack = new AsyncDisposableStack()
    const institute = stack.use(
      await startInstituteServer({ replies: Object.fromEntries(refusals()) }),
    )
    const plain = stack.use(await relayBefore(institute, {}))
    const authority = hasOpenssl ? stack.use(await createAuthority()) : null
    const withTls =
      authority === null
        ? null
        : stack.use(
            await relayBefore(institute, {
              tls: { certificates: [await certificateOf(authority)] },
            }),
          )
    return new Loopback(stack.move(), institute, plain, withTls)
  }

  async play(dialog: DialogCase): Promise<Playing> {
    const institute = this.#institute
    institute.clear()
    institute.setScript({ filter: () => lastOf(dialog, 'final') })
    const relay = lastOf(dialog, 'tls') === 'yes' ? this.#withTls : this.#plain
    if (relay === null) throw new Error('there is no relay with a certificate')
    const client = await connectRaw({ port: relay.port })
    const lines: string[] = []
    const nextLine = async (): Promise<string> => {
      if (lines.length === 0) lines.push(...(await replyOrClosed(client)))
      const line = lines.shift() ?? ''
      if (line.startsWith('220 2.0.0 Ready to start TLS')) await client.upgradeTls()
      return line
    }
    // Once the relay has closed, what is left of a case cannot be sent; what it said is still looked at.
    const send = (bytes: Buffer): Promise<void> => client.sendBytes(bytes).catch(() => undefined)
    const close = (): Promise<void> => client[Symbol.asyncDispose]()
    const outcome = async (): Promise<Outcome> => ({
      relayedCount: institute.mails.length,
      content: withoutTrace(institute.mails.at(-1)?.wire?.toString('latin1') ?? ''),
    })
    return { transport: { send, nextLine, close }, outcome }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }
}

async function replyOrClosed(
  client: Awaited<ReturnType<typeof connectRaw>>,
): Promise<readonly string[]> {
  try {
    return (await client.expect()).split('\n')
  } catch (error) {
    if (String(error).includes('the connection ended')) return ['closed']
    throw error
  }
}

function relayBefore(institute: InstituteServer, config: object): Promise<TestRelay> {
  const to = `127.0.0.1:${institute.port}`
  return startRelay({
    domains: domains.map((domain) => ({ domain, to })),
    config: {
      postmaster: 'postmaster@inst.example',
      limits: { maxMessage: '64KiB', unknownRecipientDelay: '10ms' },
      // What one case has had taken over must not arrive in the middle of another one.
      delivery: { pauses: ['1h'] },
      ...config,
    },
  })
}

async function certificateOf(
  authority: TestAuthority,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const { certificatePath, keyPath } = await authority.issue({ names: [testRules.hostname] })
  return { certificate: certificatePath, key: keyPath }
}

function withoutTrace(wire: string): string {
  return splitTrace(wire).rest
}

async function check(dialog: DialogCase, play: Play, mode: DialogMode): Promise<void> {
  const { transport, outcome } = await play(dialog)
  await runDialog(dialog, transport, mode)
  const { relayedCount, content } = await outcome()
  assert.equal(relayedCount, Number(lastOf(dialog, 'relayed') ?? '0'), 'mails relayed')
  const wanted = lastOf(dialog, 'content')
  if (wanted !== undefined) assert.equal(content, unescape(wanted), 'content relayed')
}

function unescape(text: string): string {
  return text.replaceAll('\\r', '\r').replaceAll('\\n', '\n').replaceAll('\\0', '\0')
}

/** `noTls`: why cases with STARTTLS cannot be played, or false. */
function declare(play: Play, noTls: string | false): void {
  for (const [name, cases] of files) {
    for (const dialog of cases) {
      for (const mode of modes) {
        if (lastOf(dialog, 'only') === 'whole' && mode !== 'whole') continue
        const skip = lastOf(dialog, 'tls') === 'yes' && noTls
        test(`${name}: ${dialog.name} (${mode})`, { skip }, () => check(dialog, play, mode))
      }
    }
  }
  for (const mode of modes) {
    test(`content over the limit is refused at its end (${mode})`, async () => {
      await check(oversized, play, mode)
    })
  }
}

/** Written here because it is 65 KiB long. */
const oversized: DialogCase = {
  name: 'content over the limit',
  line: 0,
  options: new Map(),
  steps: [
    ...sent('EHLO mx.sender.example\r\nMAIL FROM:<>\r\nRCPT TO:<anna@inst.example>\r\nDATA\r\n'),
    ...expected(
      '220 <*>',
      '250-<*>',
      '250-<*>',
      '250-<*>',
      '250-<*>',
      '250-<*>',
      '250-<*>',
      '250-<*>',
    ),
    ...expected('250 <*>', '250 <*>', '250 <*>', '354 <*>'),
    ...sent(`Subject: x\r\n\r\n${`${'x'.repeat(998)}\r\n`.repeat(66)}.\r\nNOOP\r\n`),
    ...expected('552 5.3.4 the mail is larger than the limit of 65536 bytes [<*>]', '250 2.0.0 Ok'),
  ],
}

function sent(text: string): DialogCase['steps'] {
  return [{ kind: 'send', line: 0, bytes: Buffer.from(text) }]
}

function expected(...texts: readonly string[]): DialogCase['steps'] {
  return texts.map((text) => ({ kind: 'expect', line: 0, text }))
}

test('no recipient is scripted in two ways', () => {
  const unknown = new Set(allCases.flatMap((dialog) => valuesOf(dialog, 'unknown')))
  const deferred = allCases.flatMap((dialog) => valuesOf(dialog, 'defer'))
  assert.deepEqual(
    deferred.filter((address) => unknown.has(address)),
    [],
  )
})

describe('in memory', () => declare(playInMemory, false))

describe('over loopback', () => {
  let loopback: Loopback | null = null
  before(async () => {
    loopback = await Loopback.open()
  })
  after(() => loopback?.[Symbol.asyncDispose]())
  declare((dialog) => {
    if (loopback === null) throw new Error('the relay does not run')
    return loopback.play(dialog)
  }, !hasOpenssl && 'the openssl command is missing')
})
