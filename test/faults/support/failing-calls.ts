// Has single system calls of a driver fail, or kills it there, from outside: strace answers in place of
// the kernel. Which calls there are is seen in a run without failures.

import { readFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import path from 'node:path'
import { concerns } from './file-operations.ts'
import { descriptorOf, hexOf, readStraceLog } from './strace-log.ts'
import type { StraceProgram } from './strace-program.ts'
import { wordsOf, type Word } from './words.ts'

/** The n-th call of a thread of that name on that file: strace counts for each thread. */
export interface CallSite {
  readonly name: string
  /** Relative to the folder above `spool`. */
  readonly path: string
  readonly count: number
}

export type Mishap =
  | 'EIO'
  /** That call and the next ones of its name on that file: what follows a failure fails as well. */
  | 'EIO twice'
  | 'EIO 3 times'
  | 'EIO for good'
  | 'ENOSPC'
  | 'EMFILE'
  | 'SIGKILL'

/** What may befall which calls. Those that only read fail too: a disk does not choose. */
export const mishaps: Readonly<Record<string, readonly Mishap[]>> = {
  openat: ['EMFILE', 'ENOSPC', 'SIGKILL'],
  mkdir: ['ENOSPC', 'SIGKILL'],
  pwrite64: ['ENOSPC', 'EIO', 'SIGKILL'],
  write: ['ENOSPC', 'EIO', 'SIGKILL'],
  ftruncate: ['EIO', 'SIGKILL'],
  fsync: ['EIO', 'EIO twice', 'EIO 3 times', 'EIO for good', 'SIGKILL'],
  fdatasync: ['EIO', 'ENOSPC', 'SIGKILL'],
  rename: ['EIO', 'ENOSPC', 'SIGKILL'],
  unlink: ['EIO', 'SIGKILL'],
  pread64: ['EIO', 'SIGKILL'],
}

const callNames: readonly string[] = Object.keys(mishaps)

export interface DriverRun {
  readonly words: readonly Word[]
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
  /** Whether the call that should fail came. */
  readonly isHit: boolean
}

export interface DriverOptions {
  readonly strace: Extract<StraceProgram, { kind: 'ready' }>
  /** Absolute; exists, empty. */
  readonly state: string
  readonly planName: string
  readonly logFile: string
}

export const driverFile: string = path.join(import.meta.dirname, 'spool-driver.ts')

/** `firstNumber`: of its operations, where it goes on after another plan. */
export function driverCommand(
  state: string,
  planName: string,
  firstNumber: number = 0,
): readonly string[] {
  return [process.execPath, driverFile, state, planName, String(firstNumber)]
}

/** The calls of a run of the plan that `mishaps` names. */
export async function callSites(options: DriverOptions): Promise<readonly CallSite[]> {
  await runDriver(options, ['--seccomp-bpf', '-e', `trace=${callNames.join(',')}`])
  const wanted = concerns({ folder: options.state })
  const lines = readFileSync(options.logFile, 'utf8').split('\n')
  const folder = hexOf(options.state)
  const counts = new Map<string, number>()
  const sites = new Map<string, CallSite>()
  for (const call of readStraceLog(lines, (line) => wanted(line) && line.includes(folder))) {
    const place = placeOf(call.name, call.arguments, options.state)
    if (place === null) continue
    const key = `${call.thread} ${call.name} ${place}`
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    sites.set(`${call.name} ${place} ${count}`, { name: call.name, path: place, count })
  }
  return [...sites.values()]
}

/** The file a call is about; of two names the first, because strace's filter knows only that. */
function placeOf(name: string, parameters: readonly string[], state: string): string | null {
  const [first = '', second = ''] = parameters
  const named = name === 'openat' ? second : first
  const absolute = named.startsWith('"')
    ? Buffer.from(named.replaceAll(/"|\\x/g, ''), 'hex').toString()
    : descriptorOf(named).path
  const place = path.relative(state, absolute)
  // The text about the owner is written under a name that holds the number of the process.
  return place.startsWith('..') || place.includes('owner.json.') ? null : place
}

/** Runs the plan; the call of `site` goes wrong. */
export async function runWithMishap(
  options: DriverOptions,
  site: CallSite,
  mishap: Mishap,
): Promise<DriverRun> {
  const what = mishap === 'SIGKILL' ? 'signal=SIGKILL' : `error=${mishap.split(' ')[0] ?? ''}`
  return await runDriver(options, [
    // With that shortcut strace does not send the signal.
    ...(mishap === 'SIGKILL' ? [] : ['--seccomp-bpf']),
    '-P',
    path.join(options.state, site.path),
    '-e',
    `trace=${site.name}`,
    '-e',
    `inject=${site.name}:${what}:when=${whenOf(site.count, mishap)}`,
  ])
}

function whenOf(count: number, mishap: Mishap): string {
  if (mishap === 'EIO twice') return `${count}..${count + 1}`
  if (mishap === 'EIO 3 times') return `${count}..${count + 2}`
  return mishap === 'EIO for good' ? `${count}+` : String(count)
}

async function runDriver(
  options: DriverOptions,
  parameters: readonly string[],
): Promise<DriverRun> {
  const { strace, state, planName, logFile } = options
  const always = ['-f', '-y', '-xx', '-s', '8', '-qq', '--signal=none']
  const all = [...always, '-o', logFile, ...parameters, '--', ...driverCommand(state, planName)]
  const child = spawn(strace.file, all, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // One thread for files, because strace counts the calls of each thread apart.
    env: { ...process.env, UV_USE_IO_URING: '0', UV_THREADPOOL_SIZE: '1' },
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(
    (resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, by) => resolve([code, by]))
    },
  )
  clearTimeout(timer)
  const isHit = signal === 'SIGKILL' || readFileSync(logFile, 'utf8').includes('(INJECTED)')
  return { words: wordsOf(said.stdout), exitCode, signal, stderr: said.stderr, isHit }
}
