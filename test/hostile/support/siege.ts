// An institute under attack by its own server, beside one that is well. What must hold whatever the server
// does: the mail of the other institute passes meanwhile, no session is stuck, nobody hears a 5yz the server
// did not say, and whatever got 250 arrives.

import assert from 'node:assert/strict'
import { startInstituteServer, type InstituteServer } from '../../../demo/institute-server.ts'
import { playDialog, type Action, type HostileStage } from '../../support/hostile-behaviours.ts'
import {
  startScriptedServer,
  type Script,
  type ScriptedConnection,
  type ScriptedServer,
} from '../../support/hostile-server.ts'
import { startRelay, type TestRelay } from '../../support/relay.ts'
import {
  endpointOf,
  impatient,
  openSession,
  sendMail,
  until,
  type MailToSend,
} from '../../e2e/support/mail.ts'
import { contentNamed, spoolOf } from '../../e2e/support/outage.ts'

export interface Siege extends AsyncDisposable {
  readonly relay: TestRelay
  readonly healthy: InstituteServer
  /** The n-th serves `inst<n>.example`. */
  readonly servers: readonly ScriptedServer[]
}

/** The last reply to each of two mails that met the attack. */
export interface Attacked {
  /** To a recipient known to be good, so that the attack meets the hand-over. */
  readonly handed: string
  /** To a recipient never asked for, so that it meets the question. */
  readonly asked: string
}

/** Times short enough for tests; what is in the spool is tried again at once. */
const config = {
  ...impatient,
  delivery: { pauses: ['500ms', '1s'], recoverEvery: '1s', stopTimeout: '1s' },
} as const

/** Nobody waits longer for one reply, however busy the machine. */
const patienceMs = 15_000

export async function openSiege(
  count: number,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<Siege> {
  const healthy = await startInstituteServer({ mailboxes: 'all' })
  const servers = await Promise.all(
    Array.from({ length: count }, () => startScriptedServer(honest())),
  )
  const relay = await startRelay({
    domains: [
      { domain: 'healthy.example', to: endpointOf(healthy) },
      ...servers.map((server, index) => ({
        domain: `inst${index}.example`,
        to: endpointOf(server),
        tls: 'none' as const,
      })),
    ],
    config: { ...config, ...changes },
  })
  return {
    relay,
    healthy,
    servers,
    [Symbol.asyncDispose]: async () => {
      await relay[Symbol.asyncDispose]()
      await Promise.all([healthy.close(), ...servers.map((server) => server.close())])
    },
  }
}

/** Takes `known…` and `new…` and no other recipient; apart from that, `actions` at their stages. */
export function honest(actions: Readonly<Partial<Record<HostileStage, Action>>> = {}): Script {
  return playDialog({ rcpt: honestRcpt, ...actions })
}

export async function honestRcpt(connection: ScriptedConnection): Promise<void> {
  const isMailbox = /<(?:known|new)/.test(connection.lines.at(-1) ?? '')
  await connection.send(isMailbox ? '250 2.1.5 Ok\r\n' : '550 5.1.1 User unknown\r\n')
}

/** One mail in a session of its own, which ends in order; the last reply before QUIT. */
export async function send(relay: { readonly port: number }, mail: MailToSend): Promise<string> {
  await using client = await openSession(relay, { deadlineMs: patienceMs })
  const { mail: opened, recipients, data, final } = await sendMail(client, mail)
  const last = final ?? data ?? recipients.at(-1) ?? opened
  if (!last.startsWith('421')) await client.command('QUIT', 221)
  return last
}

/**
 * Lets a known and an unknown recipient meet `script`, and asserts what holds in any case. `content` is that
 * of both mails.
 */
export async function attack(
  { relay, servers }: Siege,
  index: number,
  script: Script,
  content: string = contentNamed(`attack ${index}`),
): Promise<Attacked> {
  const server = servers[index]
  assert.ok(server !== undefined)
  const domain = `inst${index}.example`
  // On a machine that is busy a first mail may have gone to the spool.
  const isKnown = async (): Promise<boolean> =>
    (await send(relay, { to: `known@${domain}` })).includes(' says: ')
  await until(isKnown, patienceMs)
  cut(server)
  server.setScript(script)
  const under = Promise.all([
    send(relay, { to: `known@${domain}`, content }),
    send(relay, { to: `new@${domain}`, content }),
  ])
  const startMs = performance.now()
  assert.match(await send(relay, { to: 'x@healthy.example' }), /^250 .* says: /)
  assert.ok(performance.now() - startMs < 8000, 'the other institute waits')
  const [handed, asked] = await under
  const takenCount = [handed, asked].filter((reply) => reply.startsWith('250')).length
  server.setScript(honest())
  cut(server)
  assert.match(await send(relay, { to: `known@${domain}` }), /^250 /)
  const ofDomain = (address: string): boolean => address.endsWith(`@${domain}`)
  await until(() => !spoolOf(relay).some(({ address }) => ofDomain(address)), patienceMs)
  const arrived = contentsOf(server).filter((text) => text.includes(content)).length
  assert.ok(arrived >= takenCount, `${takenCount} mails got 250, ${arrived} arrived`)
  return { handed, asked }
}

export function contentsOf(server: ScriptedServer): readonly string[] {
  return server.connections.flatMap(({ contents }) =>
    contents.map((each) => each.toString('latin1')),
  )
}

/** Ends all connections of a server, so that the next ones play its present script. */
export function cut(server: ScriptedServer): void {
  for (const connection of server.connections) connection.destroy()
}

/** No session and no transfer is left over: the relay stops at once when it is told to. */
export async function endsAtOnce({ relay }: Siege): Promise<void> {
  const startMs = performance.now()
  relay.signal('SIGTERM')
  assert.equal(await relay.ended, 0)
  assert.ok(performance.now() - startMs < 8000, 'something is stuck in the relay')
  assert.deepEqual(relay.events('internal-error'), [])
}
