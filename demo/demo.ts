// `make demo`: a relay, two institutes, a sender, real sockets. Shows what Pforte does and checks it on the
// way: exit code 1 when anything went differently. With ONCE=1 it ends by itself, else with Ctrl-C.

import { cleanLine } from '#base/text.ts'
import type { ReceivedMail } from './institute-server.ts'
import { readMetrics } from './metrics.ts'
import { typedProgram, type RelayProcess } from './relay-process.ts'
import { playScenes } from './scenes.ts'
import { openSite, relayName, wantedPort, type Site } from './site.ts'
import { Stage } from './stage.ts'
import { openTerminal } from './terminal.ts'

const isOnce = !['', '0'].includes(process.env['ONCE'] ?? '')
const interrupted = new AbortController()
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The second one ends the demo at once; what must not stay behind is ended in `exit` handlers.
    if (interrupted.signal.aborted) process.exit(exitCodes[signal])
    interrupted.abort(signal)
  })
}

const terminal = openTerminal(process.stdout, process.env)
const ending = AbortSignal.any([interrupted.signal, terminal.lost])
process.exitCode = await main(new Stage(terminal, ending))

async function main(stage: Stage): Promise<number> {
  const audience: { tell: ((text: string) => void) | null } = { tell: null }
  const tellOf = (server: string, mail: ReceivedMail): void => {
    const { reversePath, recipients, sizeBytes } = mail
    const envelope = `<${reversePath}> to <${recipients.join('>, <')}>`
    // Anybody on this machine may send: what they wrote must not reach the terminal raw.
    audience.tell?.(cleanLine(`${server} got a mail of ${sizeBytes} bytes: ${envelope}`, 300))
  }
  try {
    await using site = await openSite(tellOf)
    const relay = await raiseCurtain(stage, site)
    await playScenes(stage, site).catch((error: unknown) => explainWith(relay, error))
    await summarize(stage, site)
    if (stage.problems.length > 0) return fail(stage)
    if (isOnce) return 0
    audience.tell = (text) => terminal.text(text, { indent: 3, hanging: 2 })
    return await keepRunning(stage, site, relay)
  } catch (error) {
    // Whoever stops reading has seen enough (`make demo | head`); an early Ctrl-C is no success.
    if (terminal.lost.aborted) return 0
    if (interrupted.signal.aborted) return exitCodeOf(interrupted.signal.reason)
    stage.problems.push(error instanceof Error ? error.message : String(error))
    return fail(stage)
  }
}

async function raiseCurtain(stage: Stage, site: Site): Promise<RelayProcess> {
  terminal.line('Pforte: a mail relay that asks before it says yes', 'bold')
  terminal.text(
    'A sender, a relay and the mail servers of institutes, real programs on real sockets of this ' +
      'machine. Only the names are made up.',
  )
  stage.heading('The institutes')
  for (const { domain, server, isUp } of site.institutes) {
    const state = isUp ? 'runs' : 'is down: nobody listens there'
    terminal.line(`   ${domain.padEnd(16)} ${server.padEnd(26)} ${state}`)
  }
  if (!site.isTls) stage.say('No openssl command here for a certificate, so without STARTTLS.')
  stage.heading('Their domains are added to the relay, and it is started')
  terminal.command(['export', `PFORTE_CONFIG=${site.configFile}`])
  for (const { domain, server } of site.institutes) {
    const args = ['domain', 'add', domain, '--to', server]
    const { exitCode, stdout, stderr } = await site.pforte(...args)
    terminal.command([typedProgram, ...args])
    stage.output(stdout + stderr)
    if (exitCode !== 0) throw new Error(`pforte ${args.join(' ')} ended with ${String(exitCode)}`)
  }
  terminal.command([typedProgram, 'serve'])
  const relay = await site.startRelay()
  stage.output(`${relayName} accepts mail on 127.0.0.1:${site.port}, process ${relay.pid}`)
  if (site.port !== wantedPort) stage.say(`(Port ${wantedPort} is taken, so it is another one.)`)
  return relay
}

async function summarize(stage: Stage, site: Site): Promise<void> {
  const numbers = await readMetrics(site.metricsPort)
  stage.heading(`Summary, from the relay's numbers at http://127.0.0.1:${site.metricsPort}/metrics`)
  const mails = 'pforte_mails_total'
  const recipients = 'pforte_recipients_total'
  const delivered = 'pforte_spool_attempts_total'
  const rows = [
    ['accepted', 'mails', mails, { verdict: 'accept' }, 6, 'each of them is at its institute'],
    ['of these', 'mails', delivered, { outcome: 'relayed' }, 3, 'from the spool, after the outage'],
    ['refused', 'mails', mails, { verdict: 'reject' }, 1, "by the institute's server, after DATA"],
    ['refused', 'recipients', recipients, { verdict: 'reject' }, 2, "by the institute's server"],
    ['temporary', 'recipients', recipients, { verdict: 'defer' }, 1, 'the sender tries again'],
  ] as const
  for (const [word, what, metric, labels, expected, meaning] of rows) {
    const found = numbers.sum(metric, labels)
    const noun = found === 1 ? what.slice(0, -1) : what
    terminal.line(
      `   ${word.padEnd(10)} ${String(found).padStart(2)} ${noun.padEnd(11)} ${meaning}`,
    )
    stage.check(found === expected, `the summary counts ${found} ${noun} ${word}, not ${expected}`)
  }
  stage.say('No bounce was sent, and none could be: Pforte has no code for it.')
}

async function keepRunning(stage: Stage, site: Site, relay: RelayProcess): Promise<number> {
  const { port, institutes, configFile, logFile } = site
  stage.heading('Your turn: everything keeps running until Ctrl-C')
  stage.say('Send a mail (known: alice@physics.example, bob@history.example):')
  const server = ['--server', `127.0.0.1:${port}`]
  terminal.command([
    'swaks',
    ...server,
    '--from',
    'you@sender.example',
    '--to',
    'alice@physics.example',
  ])
  stage.say('Serve one more domain, or look after these, in another terminal:')
  terminal.command(['export', `PFORTE_CONFIG=${configFile}`])
  terminal.command([
    typedProgram,
    'domain',
    'add',
    'chemistry.example',
    '--to',
    institutes[0]?.server ?? '',
  ])
  terminal.command([typedProgram, 'domain', 'list'])
  stage.say('Watch the log:')
  terminal.command(['tail', '-f', logFile])
  terminal.line()
  const stopped = new Promise<'stopped'>((resolve) => {
    ending.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
  const first = await Promise.race([stopped, relay.ended.then(() => 'relay-ended' as const)])
  if (first === 'stopped') {
    terminal.line()
    terminal.line('Stopping.')
    return 0
  }
  stage.problems.push(lastWords(relay))
  return fail(stage)
}

/** A connection that broke because the relay is gone says little; the relay's own words say more. */
async function explainWith(relay: RelayProcess, error: unknown): Promise<never> {
  const patience = new Promise<'running'>((resolve) => setTimeout(resolve, 300, 'running'))
  const state = await Promise.race([relay.ended, patience])
  throw state === 'running' ? error : new Error(lastWords(relay), { cause: error })
}

function lastWords(relay: RelayProcess): string {
  return `the relay has ended by itself: ${relay.words().trim() || 'it said nothing'}`
}

function fail({ problems }: Stage): number {
  terminal.line()
  terminal.line('The demo did not go as expected:', 'bad')
  for (const problem of problems) terminal.text(problem, { indent: 2, prefix: '- ', hanging: 0 })
  return 1
}

function exitCodeOf(signal: unknown): number {
  return signal === 'SIGTERM' || signal === 'SIGHUP' ? exitCodes[signal] : exitCodes.SIGINT
}
