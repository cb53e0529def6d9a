// Runs a program under strace: to write down what it does to files, or to make one of its calls fail.

import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  concerns,
  operationsOf,
  tracedCalls,
  type FileOperation,
  type OperationOptions,
} from './file-operations.ts'
import { readStraceLog } from './strace-log.ts'
import type { StraceProgram } from './strace-program.ts'

export interface TraceOptions {
  readonly strace: Extract<StraceProgram, { kind: 'ready' }>
  /** Program and arguments. */
  readonly command: readonly string[]
  /** The folder to watch; absolute. */
  readonly folder: string
  /** What earlier programs did to it. */
  readonly before?: readonly FileOperation[]
  /** Where the log goes; not in the watched folder. */
  readonly logFile: string
  /** Further expressions of strace, such as `inject=fsync:error=EIO:when=3`. */
  readonly expressions?: readonly string[]
  /** After that the program is killed and the call rejects. */
  readonly timeoutMs: number
}

export interface TraceResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Those before, and then those of this run. */
  readonly operations: readonly FileOperation[]
}

/** Longer than any write of a program that is watched. */
const maxStringBytes = 8 * 1024 * 1024

/** What goes in front of a program so that `readRecord` can tell what it did. */
export function recorder({
  strace,
  logFile,
  expressions = [],
}: Pick<TraceOptions, 'strace' | 'logFile' | 'expressions'>): readonly string[] {
  const parameters = ['-f', '-y', '-xx', '-s', String(maxStringBytes), '-qq', '-o', logFile]
  // With that shortcut strace does not send signals.
  const isKilling = expressions.some((expression) => expression.includes(':signal='))
  const shortcut = isKilling ? [] : ['--seccomp-bpf']
  const traced = [...shortcut, '--signal=none', '-e', `trace=${tracedCalls.join(',')}`]
  const injected = expressions.flatMap((expression) => ['-e', expression])
  return [strace.file, ...parameters, ...traced, ...injected, '--']
}

/** No calls that strace cannot see, and one thread for files, since it counts for each thread. */
export const traceableEnvironment: Readonly<Record<string, string>> = {
  UV_USE_IO_URING: '0',
  UV_THREADPOOL_SIZE: '1',
}

export async function trace(options: TraceOptions): Promise<TraceResult> {
  const { folder, before = [], logFile } = options
  const [program = '', ...parameters] = [...recorder(options), ...options.command]
  const child = spawn(program, parameters, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...traceableEnvironment },
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs)
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(
    (resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, by) => resolve([code, by]))
    },
  )
  clearTimeout(timer)
  return { exitCode, signal, ...said, operations: await readRecord(logFile, { folder, before }) }
}

/** What a program did to a folder, from the log of its `recorder`. */
export async function readRecord(
  logFile: string,
  options: OperationOptions,
): Promise<readonly FileOperation[]> {
  const isWanted = concerns(options)
  const lines: string[] = []
  // What does not concern the folder is not kept: a log may be long.
  for await (const line of createInterface({ input: createReadStream(logFile) })) {
    if (isWanted(line) || line.includes('resumed>')) lines.push(line)
  }
  return operationsOf(readStraceLog(lines, isWanted), options)
}
