// The two institute's servers: our own, which refuses strangers and can be down, and Postfix's smtp-sink,
// which takes everything for less CPU time.

import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../../test/interop/support/daemon.ts'
import { isRoot } from '../../test/interop/support/programs.ts'
import { nowMs } from './job.ts'
import type { PostfixTools } from './postfix-tools.ts'
import type { SinkOrder, SinkState } from './sink-worker.ts'

export interface Sink extends AsyncDisposable {
  /** For the headings: `own` or `smtp-sink`. */
  readonly name: string
  readonly port: number
  readonly pid: number
  readonly state: () => Promise<Pick<SinkState, 'count' | 'lastMs'>>
  /** Own one only: closes port and connections. */
  readonly down: () => Promise<void>
}

export async function startOwnSink(): Promise<Sink> {
  const child = fork(path.join(import.meta.dirname, 'sink-worker.ts'))
  const ended = once(child, 'exit')
  const order = async (wanted: SinkOrder): Promise<SinkState> => {
    child.send(wanted)
    const [state] = (await once(child, 'message')) as [SinkState]
    return state
  }
  const { port } = await order({ kind: 'up', port: 0 })
  return {
    name: 'own',
    port,
    pid: child.pid ?? 0,
    state: () => order({ kind: 'count' }),
    down: async () => void (await order({ kind: 'down' })),
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

export async function startSmtpSink({ folder, environment }: PostfixTools): Promise<Sink> {
  const port = await freePort()
  const user = isRoot() ? ['-u', 'nobody'] : []
  const child = spawn(
    path.join(folder, 'smtp-sink'),
    [...user, '-c', `127.0.0.1:${port}`, '4096'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    },
  )
  const ended = once(child, 'exit')
  const state = { count: 0, lastMs: 0 }
  child.stdout.on('data', (chunk: Buffer) => {
    const count = Number(/.*mesg=(\d+)\r/s.exec(chunk.toString('latin1'))?.[1] ?? state.count)
    if (count > state.count) state.lastMs = nowMs()
    state.count = count
  })
  await untilStarted(child)
  return {
    name: 'smtp-sink',
    port,
    pid: child.pid ?? 0,
    state: () => Promise.resolve({ ...state }),
    down: () => Promise.reject(new Error('smtp-sink cannot be down')),
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await ended
    },
  }
}

/** It says nothing when it listens; whoever connects too early tries again. */
async function untilStarted(child: ChildProcess): Promise<void> {
  await pause(300)
  if (child.exitCode !== null) throw new Error(`smtp-sink ended with ${child.exitCode}`)
}
