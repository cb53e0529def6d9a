// The relay for tests: as a process of its own, started as an operator would start it, so that what is
// tested is what runs. Everything it needs lies in one temporary folder.

import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stringify } from 'yaml'

export interface RelayDomain {
  readonly domain: string
  /** One endpoint or several, as after `pforte domain add … --to`. */
  readonly to: string | readonly string[]
  readonly callout?: string
  readonly tls?: 'none' | 'opportunistic' | 'verify' | 'pin'
  readonly tlsNames?: readonly string[]
  readonly tlsCa?: string
  readonly tlsPins?: readonly string[]
  readonly xclient?: true
  readonly maxSize?: string
  readonly smtpUtf8?: boolean
  readonly eightBitMime?: boolean
  readonly maxConnections?: number
  readonly mailsPerConnection?: number
  readonly calloutSender?: 'null-path' | 'mailbox'
  readonly refusesAtData?: boolean
  readonly maxLine?: number
}

export interface RelayOptions {
  readonly domains: readonly RelayDomain[]
  /** Merged over the minimal configuration, key by key at the top level. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Of configuration and state, to be started in again; it stays at the end. Default: a temporary one. */
  readonly folder?: string
  /** Added to the environment of the relay. */
  readonly environment?: Readonly<Record<string, string>>
  /** Called before it listens, with the means to end it already then. */
  readonly onSpawned?: (signal: TestRelay['signal']) => void
  /** A program and its arguments that runs the relay, such as a tracer. */
  readonly wrapper?: readonly string[]
}

export interface TestRelay extends AsyncDisposable {
  readonly port: number
  readonly metricsPort: number
  /** Folder of configuration and state. */
  readonly folder: string
  readonly configFile: string
  readonly pid: number
  /** All that it has logged so far, JSON lines. */
  readonly log: () => string
  /** The log as objects, of one kind of event when named. */
  readonly events: (kind?: string) => readonly Readonly<Record<string, unknown>>[]
  /** Waits for an event that fits. Rejects after `timeoutMs`. */
  readonly waitForEvent: (
    fits: (event: Readonly<Record<string, unknown>>) => boolean,
    timeoutMs?: number,
  ) => Promise<Readonly<Record<string, unknown>>>
  /** Runs `pforte ARGUMENTS --config …` to its end. */
  readonly pforte: (...args: readonly string[]) => Promise<CommandResult>
  /** Sends a signal to the relay. */
  readonly signal: (signal: NodeJS.Signals) => void
  /** Resolves with the exit code once the relay has ended. */
  readonly ended: Promise<number | null>
}

export interface CommandResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

const program = path.join(import.meta.dirname, '..', '..', 'bin', 'pforte')
const startTimeoutMs = 60_000

export async function startRelay(options: RelayOptions): Promise<TestRelay> {
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), 'pforte-test-')))
  const configFile = path.join(folder, 'pforte.yaml')
  const logFile = nextLogFile(folder)
  await writeFile(configFile, stringify(configOf(options, logFile)))
  await applyDomains(options.domains, folder, configFile)
  const [command, ...rest] = [...(options.wrapper ?? []), program]
  const relay = spawn(command, [...rest, 'serve', '--config', configFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
  })
  options.onSpawned?.((signal) => void relay.kill(signal))
  const said = collect(relay)
  const ended = new Promise<number | null>((resolve) => relay.once('exit', resolve))
  const log = (): string => readFileSync(logFile, { encoding: 'utf8', flag: 'a+' })
  const events = (kind?: string): readonly Readonly<Record<string, unknown>>[] =>
    linesOf(log()).filter((event) => kind === undefined || event['event'] === kind)
  const dispose = async (): Promise<void> => {
    relay.kill('SIGKILL')
    await ended
    // Its other processes end by themselves, and write what they have compiled while the folder goes.
    if (options.folder === undefined) {
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    }
  }
  try {
    const ports = await untilListening(relay, events, said)
    return {
      ...ports,
      folder,
      configFile,
      pid: relay.pid ?? 0,
      log,
      events,
      waitForEvent: (fits, timeoutMs = 20_000) => waitForEvent(events, fits, timeoutMs),
      pforte: (...args) => run([...args, '--config', configFile]),
      signal: (signal) => void relay.kill(signal),
      ended,
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** Runs the program to its end; `args` are complete. */
export function run(args: readonly string[]): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said = collect(child)
    child.once('close', (exitCode) => resolve({ exitCode, ...said }))
  })
}

/** One for each start, so that no start is taken for another. */
function nextLogFile(folder: string): string {
  let number = 1
  while (existsSync(path.join(folder, `pforte-${number}.log`))) number += 1
  return path.join(folder, `pforte-${number}.log`)
}

function configOf(options: RelayOptions, logFile: string): Readonly<Record<string, unknown>> {
  return {
    hostname: 'mailrelay1.example.org',
    listen: [{ address: '127.0.0.1', port: 0 }],
    // One process, unless a test is about several.
    workers: 0,
    // A test sends a few mails, which may cost what they like.
    rehearsal: { mails: 0 },
    state: './state',
    log: { format: 'json', file: logFile },
    metrics: { listen: { address: '127.0.0.1', port: 0 } },
    ...options.config,
    // The institutes of tests are on loopback, wherever their names lead.
    dns: { refuseAddresses: [], ...dnsOf(options) },
  }
}

function dnsOf({ config }: RelayOptions): object {
  const dns = config?.['dns']
  return typeof dns === 'object' && dns !== null ? dns : {}
}

async function applyDomains(
  domains: readonly RelayDomain[],
  folder: string,
  configFile: string,
): Promise<void> {
  if (domains.length === 0) return
  const file = path.join(folder, 'domains.yaml')
  await writeFile(file, stringify({ domains }))
  const { exitCode, stdout, stderr } = await run(['domain', 'apply', file, '--config', configFile])
  if (exitCode !== 0) throw new Error(`domain apply failed: ${stdout}${stderr}`)
}

interface Said {
  stdout: string
  stderr: string
}

function collect(child: ChildProcess): Said {
  const said: Said = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  return said
}

async function untilListening(
  relay: ChildProcess,
  events: TestRelay['events'],
  said: Said,
): Promise<{ readonly port: number; readonly metricsPort: number }> {
  const endMs = performance.now() + startTimeoutMs
  while (performance.now() < endMs && relay.exitCode === null && relay.signalCode === null) {
    const portOf = (service: string): unknown =>
      events('listening').find((event) => event['service'] === service)?.['listenerPort']
    const [port, metricsPort] = [portOf('smtp'), portOf('metrics')]
    if (typeof port === 'number') {
      return { port, metricsPort: typeof metricsPort === 'number' ? metricsPort : 0 }
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`the relay did not start: ${said.stdout}${said.stderr}`)
}

async function waitForEvent(
  events: TestRelay['events'],
  fits: (event: Readonly<Record<string, unknown>>) => boolean,
  timeoutMs: number,
): Promise<Readonly<Record<string, unknown>>> {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    const found = events().find(fits)
    if (found !== undefined) return found
    if (performance.now() > endMs) throw new Error('the event did not come')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Whole ones: the relay may be writing the next. */
function linesOf(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
}
