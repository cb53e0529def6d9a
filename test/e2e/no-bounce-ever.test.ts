// Whatever happens to a mail after its 250, nothing goes back to its sender, who may be forged: every failure
// there is, with senders whose domain leads to a trap, and the trap is neither connected to nor looked for.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts'
import {
  endpointOf,
  openSession,
  sendMail,
  sendOneMail,
  until,
  type SentMail,
} from './support/mail.ts'
import { fatesOf, makeKnown, quick, spoolOf, untilDelivered } from './support/outage.ts'
import { startTrap, type Trap } from './support/trap.ts'

const operator = 'operator@inst.example'
const gone = 'gone@inst.example'
const known = ['a@inst.example', 'b@inst.example', gone, 'x@other.example', operator]
let folder: TemporaryFolder
let trap: Trap
let institute: InstituteServer
let other: InstituteServer
let relay: TestRelay

before(async () => {
  folder = await temporaryFolder()
  trap = await startTrap()
  institute = await startInstituteServer({ mailboxes: known })
  other = await startInstituteServer({ mailboxes: known })
  await start('1h', [
    { domain: 'inst.example', to: endpointOf(institute) },
    { domain: 'other.example', to: endpointOf(other) },
  ])
  await relay.pforte('domain', 'set', 'other.example', '--contact', 'helpdesk <a@inst.example>')
  await makeKnown(relay, known)
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
  await other.close()
  await trap[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

/** The same state each time; `holdAfter` is how old a mail may become. */
async function start(holdAfter: string, domains: Parameters<typeof startRelay>[0]['domains'] = []) {
  relay = await startRelay({
    domains,
    folder: folder.path,
    config: {
      ...quick,
      postmaster: operator,
      alerts: { mail: true, digest: '1s' },
      delivery: { ...quick['delivery'], holdAfter },
      dns: { servers: [trap.dns.address] },
    },
  })
}

async function restart(signal: 'SIGKILL' | 'SIGTERM', holdAfter: string): Promise<void> {
  relay.signal(signal)
  await relay.ended
  await start(holdAfter)
}

const forged = 'forged@forged.example'

/** Every field that asks for an answer asks for one. */
function contentOf(subject: string, more = ''): string {
  const fields = [
    'Return-Path',
    'Errors-To',
    'Reply-To',
    'Disposition-Notification-To',
    'Return-Receipt-To',
  ]
  const header = fields.map((field) => `${field}: <${forged}>\r\n`).join('')
  return `${more}${header}From: <${forged}>\r\nSubject: ${subject}\r\n\r\nText.\r\n`
}

/** From the address of the trap, with the forged sender. */
async function send(
  to: string | readonly string[],
  subject: string,
  content?: string,
): Promise<SentMail> {
  await using client = await openSession(relay, { localAddress: trap.address })
  return await sendMail(client, { from: forged, to, content: content ?? contentOf(subject) })
}

async function sendInOutage(to: string | readonly string[], subject: string): Promise<void> {
  await institute.pause()
  await other.pause()
  assert.match((await send(to, subject)).final ?? '', /^250 /)
}

async function recover(): Promise<void> {
  await institute.resume()
  await other.resume()
}

async function order(...args: readonly string[]): Promise<void> {
  const done = await relay.pforte('queue', ...args, '--reason', 'test')
  assert.equal(done.exitCode, 0, done.stdout + done.stderr)
}

function noTrap(): void {
  assert.equal(trap.connectionCount(), 0, 'somebody connected to the trap')
  assert.deepEqual(trap.questions(), [], 'somebody looked for the trap')
}

test('refusals in the session', async () => {
  assert.match((await send('a@nowhere.example', 'not served')).recipients[0] ?? '', /^550 /)
  assert.match((await send('no@inst.example', 'unknown')).recipients[0] ?? '', /^550 5\.1\.1 /)
  institute.setScript({ stageReplies: { final: '554 5.7.1 Spam' } })
  assert.match((await send('a@inst.example', 'spam')).final ?? '', /^554 /)
  institute.setScript({ stageReplies: {} })
  const loop = 'Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n'.repeat(101)
  assert.match(
    (await send('a@inst.example', 'loop', contentOf('loop', loop))).final ?? '',
    /^554 5\.4\.6 /,
  )
  noTrap()
})

test('5yz to the content by one of two institutes', async () => {
  other.setScript({ stageReplies: { final: '554 5.7.1 Spam' } })
  assert.match((await send(['a@inst.example', 'x@other.example'], 'half')).final ?? '', /^250 /)
  other.setScript({ stageReplies: {} })
  assert.deepEqual(fatesOf(relay), ['x@other.example: refused'])
  // A relay that stops tells what it has collected, by mail.
  await restart('SIGTERM', '1h')
  await until(() => institute.mails.some(({ reversePath }) => reversePath === operator))
  noTrap()
})

test('5yz at delivery: to a recipient, to the content, to the size', async () => {
  await sendInOutage(gone, 'recipient is gone')
  institute.setScript({ replies: { [gone]: '550 5.1.1 User unknown' } })
  await recover()
  await untilDelivered(relay)
  institute.setScript({ replies: {}, stageReplies: { final: '550 5.7.1 Virus' } })
  await sendInOutage('a@inst.example', 'virus')
  await recover()
  await untilDelivered(relay)
  institute.setScript({ stageReplies: { mail: '552 5.3.4 Too big' } })
  await sendInOutage('a@inst.example', 'oversize')
  await recover()
  await untilDelivered(relay)
  const fates = fatesOf(relay).filter((fate) => fate.includes('inst.example'))
  assert.deepEqual(fates, [...Array<string>(2).fill('a@inst.example: refused'), `${gone}: refused`])
  institute.setScript({ stageReplies: {} })
  noTrap()
})

test('a restart, a kill', async () => {
  await sendInOutage(['a@inst.example', 'x@other.example'], 'restarted')
  await restart('SIGTERM', '1h')
  await restart('SIGKILL', '1h')
  await recover()
  await untilDelivered(relay)
  noTrap()
})

test('held, moved, released and refused again, deleted by order', async () => {
  await sendInOutage(['a@inst.example', 'b@inst.example'], 'ordered')
  await order('hold', '--domain', 'inst.example')
  assert.ok(fatesOf(relay).includes('b@inst.example: ordered'))
  institute.setScript({ stageReplies: { final: '554 5.7.1 Spam' } })
  await recover()
  await order('release', '--recipient', 'b@inst.example')
  await until(() => fatesOf(relay).includes('b@inst.example: refused'), 15_000)
  institute.setScript({ stageReplies: {} })
  await order(
    'move',
    '--to',
    `${other.address}:${other.port}`,
    '--recipient',
    'b@inst.example',
    '--yes',
  )
  await order('delete', '--domain', 'inst.example', '--yes')
  assert.deepEqual(fatesOf(relay), ['x@other.example: refused'])
  noTrap()
})

test('too old', async () => {
  await sendInOutage('a@inst.example', 'old')
  await restart('SIGTERM', '2s')
  await until(() => fatesOf(relay).includes('a@inst.example: expired'), 20_000)
  noTrap()
})

test('its domain is not served any more', async () => {
  await restart('SIGTERM', '1h')
  await sendInOutage('x@other.example', 'domain is gone')
  const removed = await relay.pforte('domain', 'remove', 'other.example')
  assert.equal(removed.exitCode, 0, removed.stderr)
  await recover()
  await until(() => fatesOf(relay).includes('x@other.example: not-served'), 20_000)
  noTrap()
})

test('a client that gives the null reverse-path gets nothing back either', async () => {
  await institute.pause()
  const sent = await sendOneMail(relay, {
    from: '',
    to: 'a@inst.example',
    content: contentOf('null'),
  })
  assert.match(sent.final ?? '', /^250 /)
  institute.setScript({ stageReplies: { final: '554 5.7.1 Spam' } })
  await institute.resume()
  await until(
    () => spoolOf(relay).some((each) => each.reversePath === '' && each.holdReason === 'refused'),
    15_000,
  )
  institute.setScript({ stageReplies: {} })
  noTrap()
})

test('what the institutes got is what was sent, or an alert with a mailbox as its sender', () => {
  const mails = [institute, other].flatMap((server) => [...server.mails, ...server.refusedMails])
  assert.ok(mails.length > 10)
  assert.ok(
    mails.some(({ reversePath }) => reversePath === operator),
    'no alert came by mail',
  )
  for (const { reversePath, recipients, headerText } of mails) {
    const subject = /^Subject: (.*)\r$/m.exec(headerText)?.[1] ?? ''
    const isNullSent = reversePath === '' && subject === 'null'
    assert.ok(
      [forged, operator, 's@sender.example'].includes(reversePath) || isNullSent,
      `<${reversePath}>: ${subject}`,
    )
    assert.ok(
      recipients.every((address) => known.includes(address)),
      recipients.join(),
    )
    if (reversePath === operator) assert.match(headerText, /^Auto-Submitted: auto-generated\r$/m)
  }
})

test('the trap would have noticed', async () => {
  const [port = 0] = trap.ports
  await using client = await connectRaw({ port, address: trap.address })
  await client.expect(220)
  assert.equal(trap.connectionCount(), 1)
  await relay.pforte('domain', 'add', 'trap.example', '--to', `trap.forged.example:${port}`)
  await until(async () => {
    await sendOneMail(relay, { to: 'a@trap.example' })
    return trap.connectionCount() > 1
  })
  assert.ok(trap.questions().length > 0)
})
