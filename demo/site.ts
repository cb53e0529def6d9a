// Everything the demo plays on: two institutes with a mail server, one whose server is down, the relay, and a
// name server that knows their names. All of it on the loopback address and in one temporary folder.

import { rmSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stringify } from 'yaml'
import { startDnsServer } from '../test/support/dns-server.ts'
import { createCertificate, type DemoCertificate } from './certificate.ts'
import {
  startInstituteServer,
  type InstituteServer,
  type ReceivedMail,
} from './institute-server.ts'
import { freePort } from './ports.ts'
import {
  runPforte,
  startRelayProcess,
  type CommandResult,
  type RelayProcess,
} from './relay-process.ts'

export interface Institute {
  readonly domain: string
  /** `mail.physics.example:2601`, as after `pforte domain add … --to`. */
  readonly server: string
  readonly isUp: boolean
}

export interface Site extends AsyncDisposable {
  readonly configFile: string
  readonly logFile: string
  /** Where the relay accepts mail. */
  readonly port: number
  readonly metricsPort: number
  readonly isTls: boolean
  readonly institutes: readonly Institute[]
  readonly physics: InstituteServer
  readonly history: InstituteServer
  /** Runs `pforte ARGUMENTS` with this configuration. */
  readonly pforte: (...args: readonly string[]) => Promise<CommandResult>
  readonly startRelay: () => Promise<RelayProcess>
  readonly readLog: () => Promise<string>
}

export const relayName = 'mailrelay1.example'
export const physicsMailboxes: readonly string[] = [
  'alice@physics.example',
  'postmaster@physics.example',
]
export const contentRefusal = '554 5.6.0 Executable attachments are not accepted here'
export const wantedPort = 2525
const wantedMetricsPort = 9125
const maxStartCount = 4
const names = ['mail.physics.example', 'mail.history.example', 'mail.geology.example'] as const

/** `onMail` is told of every mail an institute takes. */
export async function openSite(
  onMail: (server: string, mail: ReceivedMail) => void,
): Promise<Site> {
  await using stack = new AsyncDisposableStack()
  const folder = await openFolder(stack)
  const tls = await createCertificate(folder, [relayName, ...names])
  const nameServer = stack.use(
    await startDnsServer(Object.fromEntries(names.map((name) => [name, { a: ['127.0.0.1'] }]))),
  )
  const institute = async (
    name: string,
    options: Parameters<typeof startInstituteServer>[0],
  ): Promise<InstituteServer> =>
    stack.use(
      await startInstituteServer({
        name,
        maxRecordCount: 100,
        onMail: (mail) => onMail(name, mail),
        ...(tls === null ? {} : { tls }),
        ...options,
      }),
    )
  const physics = await institute(names[0], { mailboxes: physicsMailboxes })
  const history = await institute(names[1], {
    mailboxes: ['bob@history.example', 'postmaster@history.example'],
    filter: (mail) => (mail.content?.includes('.exe"') === true ? contentRefusal : undefined),
  })
  const downPort = await freePort(0)
  const configFile = path.join(folder, 'pforte.yaml')
  const logFile = path.join(folder, 'pforte.log')
  const settings: Settings = { tls, nameServer: nameServer.address, logFile }
  let ports = await choosePorts()
  await writeFile(configFile, configOf(settings, ports))
  const environment = { ...withoutOwnVariables(process.env), PFORTE_CONFIG: configFile }
  const rest = stack.move()
  return {
    configFile,
    logFile,
    get port() {
      return ports.port
    },
    get metricsPort() {
      return ports.metricsPort
    },
    isTls: tls !== null,
    institutes: [
      { domain: 'physics.example', server: `${names[0]}:${physics.port}`, isUp: true },
      { domain: 'history.example', server: `${names[1]}:${history.port}`, isUp: true },
      { domain: 'geology.example', server: `${names[2]}:${downPort}`, isUp: false },
    ],
    physics,
    history,
    pforte: (...args) => runPforte(args, environment),
    startRelay: async () => {
      const relay = await startWithFreePorts(environment, settings, async () => {
        ports = await choosePorts()
        await writeFile(configFile, configOf(settings, ports))
      })
      process.on('exit', relay.kill)
      rest.defer(async () => {
        await relay.stop()
        process.off('exit', relay.kill)
      })
      return relay
    },
    readLog: () => readFile(logFile, { encoding: 'utf8', flag: 'a+' }),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

interface Settings {
  readonly tls: DemoCertificate | null
  readonly nameServer: string
  readonly logFile: string
}

interface Ports {
  readonly port: number
  readonly metricsPort: number
}

async function choosePorts(): Promise<Ports> {
  return {
    port: await freePort(wantedPort),
    metricsPort: await freePort(wantedMetricsPort),
  }
}

function configOf({ tls, nameServer, logFile }: Settings, { port, metricsPort }: Ports): string {
  const { certificatePath: certificate, keyPath: key } = tls ?? {}
  return stringify({
    hostname: relayName,
    listen: [{ address: '127.0.0.1', port }],
    workers: 0,
    state: './state',
    ...(tls === null ? {} : { tls: { certificates: [{ certificate, key }] } }),
    // A minute and 15 s by default; the audience does not want to wait that long.
    verification: { negativeFresh: '1s', breakerRecovery: '2s' },
    // The institutes of the demo are on this machine, and their names lead there.
    dns: { servers: [nameServer], refuseAddresses: [] },
    log: { format: 'human', file: logFile },
    metrics: { listen: { address: '127.0.0.1', port: metricsPort } },
  })
}

/**
 * Between choosing a port and opening it somebody else may take it, a second demo for one. Whether it is
 * our relay that listens is therefore read in its own log, not asked at the port.
 */
async function startWithFreePorts(
  environment: NodeJS.ProcessEnv,
  { logFile }: Settings,
  choosePortsAgain: () => Promise<void>,
): Promise<RelayProcess> {
  const isListening = async (): Promise<boolean> =>
    / listening +smtp on /.test(await readFile(logFile, { encoding: 'utf8', flag: 'a+' }))
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startRelayProcess(environment, isListening)
    } catch (error) {
      if (attempt === maxStartCount || !String(error).includes('EADDRINUSE')) throw error
      await choosePortsAgain()
    }
  }
}

/** What configures a real relay on this machine, its state folder for one, must not reach the demo's. */
function withoutOwnVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith('PFORTE_')),
  )
}

/** Gone at the end, even when the demo has to end at once. */
async function openFolder(stack: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pforte-demo-'))
  const removeNow = (): void => rmSync(folder, { recursive: true, force: true })
  process.on('exit', removeNow)
  stack.defer(async () => {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    process.off('exit', removeNow)
  })
  return folder
}
