// Runs the program as an operator would: its commands to their end, and `pforte serve` until it is stopped.

import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'

const root = path.join(import.meta.dirname, '..')
const program = path.join(root, 'bin', 'pforte')
const startTimeoutMs = 15_000
const stopTimeoutMs = 10_000
const maxOutputLength = 64 * 1024

/** The program as it is typed from where the demo was started. */
export const typedProgram: string = path.relative(process.cwd(), program)

export interface CommandResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RelayProcess {
  readonly pid: number
  /** What it said on standard error, the beginning of it. */
  readonly words: () => string
  /** Resolves once it has ended, for whatever reason. */
  readonly ended: Promise<void>
  /** Asks it to stop, waits, and ends it when that takes too long. */
  readonly stop: () => Promise<void>
  /** At once, for the very end of our own process. */
  readonly kill: () => void
}

/** Runs one command of the program to its end. Never rejects. */
export async function runPforte(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<CommandResult> {
  const child = spawn(program, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const exitCode = await endOf(child, 'close')
  return { exitCode, stdout: stdout(), stderr: stderr() }
}

/** Resolves as soon as `isReady` says so. Rejects, with the relay's own words, when it does not start. */
export async function startRelayProcess(
  environment: NodeJS.ProcessEnv,
  isReady: () => Promise<boolean>,
): Promise<RelayProcess> {
  // A process group of its own: Ctrl-C is for the demo, which then asks the relay to stop, once.
  const child = spawn(program, ['serve'], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const words = collect(child.stderr)
  const ended = endOf(child, 'exit').then(() => undefined)
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  const relay: RelayProcess = {
    pid: child.pid ?? 0,
    words,
    ended,
    stop: async () => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
      await ended
      clearTimeout(timer)
    },
    kill: () => void child.kill('SIGKILL'),
  }
  const giveUpAt = performance.now() + startTimeoutMs
  while (!hasEnded() && performance.now() < giveUpAt) {
    if (await isReady()) return relay
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await relay.stop()
  throw new Error(`the relay did not start: ${words().trim() || 'it said nothing'}`)
}

/** Resolves with the exit code, null when there is none. */
function endOf(child: ChildProcess, event: 'exit' | 'close'): Promise<number | null> {
  return new Promise((resolve) => {
    child.once(event, (exitCode: number | null) => resolve(exitCode))
    child.once('error', () => resolve(null))
  })
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.on('data', (chunk: Buffer) => {
    if (text.length < maxOutputLength) text += chunk.toString()
  })
  return () => text
}
