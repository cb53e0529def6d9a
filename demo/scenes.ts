// What the demo shows, in its order. Each scene checks what it shows.

import { createHash } from 'node:crypto'
import type { ReceivedMail } from './institute-server.ts'
import { attachmentBytes, attachmentMail, plainMail } from './mails.ts'
import { readMetrics } from './metrics.ts'
import { typedProgram, type CommandResult } from './relay-process.ts'
import { connectSender, type Sender, type SenderReply } from './sender.ts'
import { contentRefusal, physicsMailboxes, type Site } from './site.ts'
import type { Stage } from './stage.ts'

const mebibyte = 1024 * 1024
const sender = 'newton@sender.example'
const alice = 'alice@physics.example'
const unknown = 'nobody@physics.example'
const largeMebibytes = 20
const maxGrowthBytes = 64 * mebibyte
const logTimeoutMs = 5000
/** The relay asks every two seconds whether the server is back (`site.ts`). */
const deliveryTimeoutMs = 10_000
/** So many failures in a row are an outage (`verification.breakerFailures`). */
const outageSubjects = ['Tides', 'Comets', 'Alchemy'] as const

export async function playScenes(stage: Stage, site: Site): Promise<void> {
  await delivered(stage, site)
  await unknownRecipient(stage, site)
  await serverDown(stage, site)
  await outage(stage, site)
  await refusedContent(stage, site)
  await newMailbox(stage, site)
  await largeMail(stage, site)
  await askedAfterwards(stage, site)
}

async function delivered(stage: Stage, site: Site): Promise<void> {
  stage.scene(
    'A mail is delivered',
    'The dialog as the sender (C) sees it. Before Pforte says 250 to RCPT, it has asked ' +
      "the institute's server; before it says 250 to the mail, that server has it.",
  )
  using client = await greet(site)
  const mail = plainMail({ from: sender, to: alice, subject: 'Falling apples' }, [
    'Dear Alice,',
    'it fell straight down. Details follow.',
  ])
  await client.command(`MAIL FROM:<${sender}> SIZE=${mail.length}`)
  stage.expectReply(await client.command(`RCPT TO:<${alice}>`), 250, /2\.1\.5/, 'RCPT')
  await client.command('DATA')
  const reply = await client.content(mail, '(the mail)')
  await client.quit()
  stage.dialog(withoutSecondExtensions(client))
  stage.expectReply(reply, 250, /mail\.physics\.example says: 250/, 'the mail')
  const received = site.physics.mails.at(-1)
  stage.terminal.line()
  stage.say("The mail as the institute's server got it; > marks what Pforte added:")
  stage.terminal.line()
  showReceived(stage, received, mail)
}

async function unknownRecipient(stage: Stage, site: Site): Promise<void> {
  stage.scene(
    'An unknown recipient is refused at once',
    "In the institute's own words, before any content is sent. Nothing was accepted, so nothing " +
      'has to be returned: no backscatter.',
  )
  using client = await greet(site)
  await client.command(`MAIL FROM:<${sender}>`)
  const reply = await client.command(`RCPT TO:<${unknown}>`)
  await client.quit()
  stage.mailDialog(client)
  stage.expectReply(reply, 550, /5\.1\.1 .*says: 550 5\.1\.1 .*User unknown/, 'RCPT')
}

async function serverDown(stage: Stage, site: Site): Promise<void> {
  stage.scene(
    "An institute's server is down, and nothing is known of the recipient",
    'That is not the fault of the address: the sender is told to try again, and whose server ' +
      'does not answer. Pforte takes no responsibility for an address that may not exist.',
  )
  using client = await greet(site)
  await client.command(`MAIL FROM:<${sender}>`)
  const reply = await client.command('RCPT TO:<carol@geology.example>')
  await client.quit()
  stage.mailDialog(client)
  stage.expectReply(reply, 451, /4\.4\.1 .*mail\.geology\.example does not answer/, 'RCPT')
}

async function outage(stage: Stage, site: Site): Promise<void> {
  stage.scene(
    'The server of a known recipient goes down, and comes back',
    `Pforte knows ${alice} from scene 1, so it takes the mail over: 250 now means that the ` +
      'mail is on its disk and survives the loss of power. It asks every 15 s (in this demo: 2 s) ' +
      'whether the server is back.',
  )
  const alreadyThere = site.physics.mails.length
  await site.physics.pause()
  stage.say("(the institute's server is switched off)", 'dim')
  using client = await greet(site)
  const replies: SenderReply[] = []
  for (const subject of outageSubjects) {
    const mail = plainMail({ from: sender, to: alice, subject }, ['To be continued.'])
    await client.command(`MAIL FROM:<${sender}>`)
    await client.command(`RCPT TO:<${alice}>`)
    await client.command('DATA')
    replies.push(await client.content(mail, `(a mail with the subject ${subject})`))
  }
  await client.quit()
  stage.mailDialog(firstMailOnly(client))
  stage.say(`(and the same again: ${outageSubjects.slice(1).join(', ')})`, 'dim')
  for (const reply of replies) stage.expectReply(reply, 250, /taken over/, 'a mail')
  const asking = ['queue']
  showCommand(stage, asking, await site.pforte(...asking), /physics\.example +3 +0/)
  stage.terminal.line()
  await site.physics.resume()
  const resumedMs = performance.now()
  stage.say("(the institute's server is switched on again)", 'dim')
  const mails = await site.physics.waitForMails(
    alreadyThere + outageSubjects.length,
    deliveryTimeoutMs,
  )
  const seconds = ((performance.now() - resumedMs) / 1000).toFixed(1)
  const subjects = mails.slice(alreadyThere).map(subjectOf)
  stage.say(
    `${seconds} s later the relay has noticed, and the institute has all of them: ` +
      `${subjects.join(', ')}.`,
  )
  const isComplete = subjects.toSorted().join() === outageSubjects.toSorted().join()
  stage.check(isComplete, `the institute got ${subjects.join(', ')}`)
}

async function refusedContent(stage: Stage, site: Site): Promise<void> {
  const recipient = 'bob@history.example'
  stage.scene(
    'The institute refuses the content of a mail',
    'Pforte hands the mail over while the sender waits, so this refusal reaches the sender as ' +
      'the reply to its mail. A relay that had said 250 first would have to send a bounce now.',
  )
  using client = await greet(site)
  const head = { from: sender, to: recipient, subject: 'Your invoice' }
  const mail = attachmentMail(head, 'invoice.exe', 300)
  await client.command(`MAIL FROM:<${sender}>`)
  stage.expectReply(await client.command(`RCPT TO:<${recipient}>`), 250, /2\.1\.5/, 'RCPT')
  await client.command('DATA')
  const reply = await client.content(mail, '(a mail with an attachment invoice.exe)')
  await client.quit()
  stage.mailDialog(client)
  stage.expectReply(reply, 554, new RegExp(`says: ${contentRefusal}`), 'the mail')
  stage.check(site.history.mails.length === 0, 'the institute has the mail it refused')
}

async function newMailbox(stage: Stage, site: Site): Promise<void> {
  const recipient = 'newcomer@physics.example'
  stage.scene(
    'A new mailbox works at once',
    'The institute creates a mailbox that was refused a moment ago. Nobody tells Pforte: it asks ' +
      'again once its answer is older than a minute (in this demo: a second).',
  )
  using client = await greet(site)
  const mail = plainMail({ from: sender, to: recipient, subject: 'Welcome' }, ['Welcome!'])
  await client.command(`MAIL FROM:<${sender}>`)
  const before = await client.command(`RCPT TO:<${recipient}>`)
  site.physics.setMailboxes([...physicsMailboxes, recipient])
  client.dialog.push({ by: 'note', text: `(the institute creates ${recipient})` })
  await stage.pause(1100)
  const after = await client.command(`RCPT TO:<${recipient}>`)
  await client.command('DATA')
  const reply = await client.content(mail, '(the mail)')
  await client.quit()
  stage.mailDialog(client)
  stage.expectReply(before, 550, /5\.1\.1/, 'the first RCPT')
  stage.expectReply(after, 250, /2\.1\.5/, 'the second RCPT')
  stage.expectReply(reply, 250, /says: 250/, 'the mail')
}

async function largeMail(stage: Stage, site: Site): Promise<void> {
  stage.scene(
    `A mail of ${largeMebibytes} MiB passes through`,
    "Large content goes through a temporary file, unchanged, so the relay's memory stays bounded " +
      'however large a mail is.',
  )
  const mail = attachmentMail(
    { from: sender, to: alice, subject: 'Measurements' },
    'measurements.dat',
    attachmentBytes(largeMebibytes),
  )
  const memory = await watchMemory(site)
  using client = await greet(site)
  await client.command(`MAIL FROM:<${sender}> SIZE=${mail.length}`)
  await client.command(`RCPT TO:<${alice}>`)
  await client.command('DATA')
  const startedMs = performance.now()
  const reply = await client.content(mail, `(${mail.length.toLocaleString('en')} bytes)`)
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  await client.quit()
  const { before, most, after } = await memory.stop()
  stage.mailDialog(client)
  stage.expectReply(reply, 250, /says: 250/, 'the mail')
  const received = tailOf(site.physics.mails.at(-1), mail.length)
  const isSame = received !== null && sha256(received) === sha256(mail)
  stage.check(isSame, 'what the institute got is not what was sent')
  stage.terminal.line()
  stage.output(
    [
      `time     ${seconds} s from the first byte to the institute's 250`,
      `content  ${isSame ? 'the same' : 'NOT the same'} at both ends, SHA-256 ${sha256(mail).slice(0, 16)}...`,
      `memory   ${mib(before)} before, at most ${mib(most)} meanwhile, ${mib(after)} after`,
    ].join('\n'),
  )
  stage.check(most - before < maxGrowthBytes, `memory grew by ${mib(most - before)}`)
}

async function askedAfterwards(stage: Stage, site: Site): Promise<void> {
  stage.scene(
    'Why was that mail refused?',
    'The questions of every service desk. What the log says about scene 2, what is known of its ' +
      'recipient, and what would happen to a mail without sending one:',
  )
  const showing = ['recipient', 'show', unknown]
  const explaining = ['explain', '--from', sender, '--to', alice, '--client', '192.0.2.7']
  const line = await logLine(stage, site)
  const results = await Promise.all([site.pforte(...showing), site.pforte(...explaining)])
  stage.check(line !== null, `no line about ${unknown} in the log`)
  stage.terminal.command(['grep', `refused .*<${unknown}>`, site.logFile])
  stage.output(line ?? '(nothing)')
  showCommand(stage, showing, results[0], /undeliverable[^]*550 5\.1\.1/)
  showCommand(stage, explaining, results[1], /deliverable[^]*250 2\.1\.5/)
}

function showCommand(
  stage: Stage,
  args: readonly string[],
  { exitCode, stdout, stderr }: CommandResult,
  expected: RegExp,
): void {
  stage.terminal.line()
  stage.terminal.command([typedProgram, ...args])
  stage.output(stdout + stderr)
  const name = `pforte ${args.join(' ')}`
  stage.check(exitCode === 0, `${name} ended with ${String(exitCode)}`)
  stage.check(expected.test(stdout), `${name} did not print ${expected.source}`)
}

/** Connects, and encrypts when the relay offers it. */
async function greet({ port, isTls }: Site): Promise<Sender> {
  const client = await connectSender(port)
  await client.command('EHLO mx.sender.example')
  if (!isTls) return client
  const { code } = await client.command('STARTTLS')
  if (code !== 220) throw new Error(`the relay refused STARTTLS with ${code}`)
  await client.startTls()
  await client.command('EHLO mx.sender.example')
  return client
}

/** Of a session with several mails. */
function firstMailOnly({ dialog }: Sender): Pick<Sender, 'dialog'> {
  const [, second] = dialog.flatMap(({ text }, index) => (text.startsWith('MAIL ') ? [index] : []))
  return { dialog: dialog.slice(0, second) }
}

function subjectOf({ content }: ReceivedMail): string {
  return /^Subject: (.*)\r$/m.exec(content?.toString() ?? '')?.[1] ?? '(none)'
}

/** After STARTTLS the extensions are listed again; once is enough for a reader. */
function withoutSecondExtensions({ dialog }: Sender): Sender['dialog'] {
  const tlsAt = dialog.findIndex(({ by }) => by === 'note')
  const mailAt = dialog.findIndex(({ text }) => text.startsWith('MAIL '))
  if (tlsAt < 0 || tlsAt > mailAt) return dialog
  const note = { by: 'note', text: '(the same extensions, without STARTTLS)' } as const
  return [...dialog.slice(0, tlsAt + 2), note, ...dialog.slice(mailAt)]
}

function showReceived(stage: Stage, mail: ReceivedMail | undefined, sent: Buffer): void {
  const content = mail?.content ?? Buffer.alloc(0)
  const added = content.subarray(0, Math.max(0, content.length - sent.length)).toString()
  for (const row of rowsOf(added)) stage.terminal.line(`  > ${row}`, 'good')
  for (const row of rowsOf(sent.toString())) stage.terminal.line(row && `    ${row}`)
  stage.check(tailOf(mail, sent.length)?.equals(sent) === true, 'the mail arrived changed')
  const wayOut = 'Pforte-TLS: '
  const received = '\r\nReceived: from mx.sender.example '
  stage.check(added.startsWith(wayOut), 'the way out was not told in a field')
  stage.check(added.includes(received), 'no Received field was added')
}

function rowsOf(text: string): readonly string[] {
  return text.replaceAll('\t', '        ').split('\r\n').slice(0, -1)
}

/** The last bytes of what arrived: all but the fields put in front. */
function tailOf(mail: ReceivedMail | undefined, length: number): Buffer | null {
  const content = mail?.content ?? null
  return content === null || content.length < length
    ? null
    : content.subarray(content.length - length)
}

interface MemoryWatch {
  readonly stop: () => Promise<{ before: number; most: number; after: number }>
}

/** Resident memory of the relay in bytes, as it says itself. */
async function watchMemory(site: Site): Promise<MemoryWatch> {
  const read = async (): Promise<number> =>
    (await readMetrics(site.metricsPort)).sum('process_resident_memory_bytes')
  const before = await read()
  let most = before
  let last = Promise.resolve()
  const timer = setInterval(() => {
    last = read().then(
      (now) => void (most = Math.max(most, now)),
      () => undefined,
    )
  }, 50)
  return {
    stop: async () => {
      clearInterval(timer)
      await last
      const after = await read()
      return { before, most: Math.max(most, after), after }
    },
  }
}

/** The log is written in batches, so the line may be a moment late. */
async function logLine(stage: Stage, site: Site): Promise<string | null> {
  const giveUpAt = performance.now() + logTimeoutMs
  for (;;) {
    const lines = (await site.readLog()).split('\n')
    const found = lines.find((line) => line.includes(unknown) && / refused /.test(line))
    if (found !== undefined) return found
    if (performance.now() > giveUpAt) return null
    await stage.pause(50)
  }
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

function mib(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(1)} MiB`
}
