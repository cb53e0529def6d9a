// One mail program at work: a temporary folder, a free port, processes that end with the test.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { asRoot, isRoot, type SystemUser } from './programs.ts'

/** A folder for one instance. Others may pass through it: mail servers change user and still need it. */
export function makeFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `pforte-${name}-`))
  chmodSync(folder, 0o711)
  return folder
}

export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  } catch (error) {
    if (isRoot()) throw error
    execFileSync('sudo', ['-n', 'rm', '-rf', folder]) // files of the mail server's users
  }
}

/**
 * A port of 127.0.0.1 nobody listens on now. Mail programs take a number, not a socket, so port 0 is no
 * choice for them; a number below the system's ephemeral range is at least never taken by a client.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await canListen(port)) return port
  }
  throw new Error('no free port between 20000 and 31999')
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

export interface DaemonOptions {
  /** Program and arguments of a process that stays in the foreground. */
  readonly command: readonly string[]
  readonly folder: string
  readonly port: number
  /** `root`, or a user to become when the tests run as root. */
  readonly user: 'root' | SystemUser
  /** Run in mount, process and host name namespaces of its own (see `inNamespace`). */
  readonly namespace?: { readonly hostname: string; readonly prepare: string }
  /** When it counts as started; default: it greets as an SMTP server does. */
  readonly ready?: 'greets' | 'listens'
  /** Does it serve? Asked instead, where a port alone says nothing. */
  readonly isUp?: () => Promise<boolean>
  /** Where the program itself logs, if it does not write to its output. */
  readonly logFile?: string
}

export interface Daemon extends AsyncDisposable {
  /** All its processes descend from this one. */
  readonly pid: number
  /** The program's log, and what it wrote to standard output and error. */
  readonly log: () => string
}

// Lives as long as its standard input, which closes when the test is done with it and also when the test
// process is killed. Then, or when the program ends by itself, the whole process group goes. Unlike a signal
// of ours this reaches programs of other users, and nothing in a spool of the bench is worth a farewell.
const guard = '("$@" </dev/null; kill -s KILL 0) & cat >/dev/null; kill -s KILL 0'

/** Perl programs and their rules take seconds on a busy machine. */
const startTimeoutMs = 30_000

/** Starts the process and resolves when it serves (30 s at most). */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const outputFile = join(options.folder, 'output.log')
  const output = openSync(outputFile, 'a')
  const guarded = ['sh', '-c', guard, 'sh', ...inNamespace(options)]
  const [program = '', ...parameters] = options.user === 'root' ? asRoot(guarded) : guarded
  const child = spawn(program, parameters, {
    detached: true, // a process group of its own, so that the guard ends all of it and nothing else
    stdio: ['pipe', output, output],
    cwd: options.folder,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    ...(options.user !== 'root' && isRoot()
      ? { uid: options.user.uid, gid: options.user.gid }
      : {}),
  })
  closeSync(output)
  const exited = once(child, 'exit')
  const daemon: Daemon = {
    pid: child.pid ?? 0,
    log: () => textOf(options.logFile) + textOf(outputFile),
    async [Symbol.asyncDispose](): Promise<void> {
      child.stdin?.destroy()
      await exited
    },
  }
  const hasExited = (): boolean => child.exitCode !== null || child.signalCode !== null
  const ask = options.isUp ?? (options.ready === 'listens' ? listens : greets)
  if (await answers(ask, options.port, Date.now() + startTimeoutMs, hasExited)) return daemon
  const text = daemon.log()
  await daemon[Symbol.asyncDispose]()
  throw new Error(`${options.command.join(' ')} does not answer on port ${options.port}:\n${text}`)
}

// For programs with compiled-in paths: `prepare` is a shell script that mounts what they shall find there.
// When the first process of a process namespace ends, the kernel ends all others.
function inNamespace(options: DaemonOptions): readonly string[] {
  const { command, namespace } = options
  if (namespace === undefined) return command
  const script = `hostname ${namespace.hostname}\n${namespace.prepare}\nexec "$@"`
  const unshare = ['unshare', '--mount', '--pid', '--uts', '--fork', '--kill-child', '--']
  return [...unshare, 'sh', '-ec', script, 'sh', ...command]
}

function textOf(file: string | undefined): string {
  return file !== undefined && existsSync(file) ? readFileSync(file, 'utf8') : ''
}

type Ask = (port: number, timeoutMs: number) => Promise<boolean>

async function answers(
  ask: Ask,
  port: number,
  deadline: number,
  isOver: () => boolean,
): Promise<boolean> {
  while (Date.now() < deadline && !isOver()) {
    if (await ask(port, Math.min(5000, deadline - Date.now()))) return true
    await sleep(30)
  }
  return false
}

async function listens(port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      resolve(true)
      socket.end()
    })
    socket.setTimeout(Math.max(1, timeoutMs), () => socket.destroy())
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}

async function greets(port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(Math.max(1, timeoutMs), () => socket.destroy())
    socket.once('data', (data) => {
      resolve(data.toString('latin1').startsWith('220'))
      socket.end('QUIT\r\n')
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}

/** Asks until the answer is not undefined; after the deadline throws what `explain` says. */
export async function waitFor<Value>(
  ask: () => Value | undefined,
  deadlineMs: number,
  explain: () => string,
): Promise<Value> {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    const value = ask()
    if (value !== undefined) return value
    if (Date.now() > deadline) throw new Error(explain())
    await sleep(30)
  }
}
