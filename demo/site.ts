// Everything the demo plays on: two institutes with a mail server, one whose server is down, the relay, and a
// name server that knows their names. All of it on the loopback address and in one temporary folder.

import { rmSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stringify } from 'yaml'
import { startDnsServer } from '../test/support/dns-server.ts'
import { createCertificate } from './certificate.ts'
import {
  startInstituteServer,
  type InstituteServer,
  type ReceivedMail,
} from './institute-server.ts'
import { isHealthy } from './metrics.ts'
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
  const port = await freePort(wantedPort)
  const metricsPort = await freePort(wantedMetricsPort)
  const configFile = path.join(folder, 'pforte.yaml')
  const logFile = path.join(folder, 'pforte.log')
  const { certificatePath: certificate, keyPath: key } = tls ?? {}
  await writeFile(
    configFile,
    stringify({
      hostname: relayName,
      listen: [{ address: '127.0.0.1', port }],
      state: './state',
      ...(tls === null ? {} : { tls: { certificates: [{ certificate, key }] } }),
      // A minute by default; the audience does not want to wait that long.
      verification: { negativeFresh: '1s' },
      dns: { servers: [nameServer.address] },
      log: { format: 'human', file: logFile },
      metrics: { listen: { address: '127.0.0.1', port: metricsPort } },
    }),
  )
  const environment = { ...withoutOwnVariables(process.env), PFORTE_CONFIG: configFile }
  const rest = stack.move()
  return {
    configFile,
    logFile,
    port,
    metricsPort,
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
      const relay = await startRelayProcess(environment, () => isHealthy(metricsPort))
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
