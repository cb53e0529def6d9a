// The two load generators: our own, which can do everything, and Postfix's smtp-source, which can do less for
// less CPU time.

import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { nowMs, type Job, type LoadResult } from './job.ts'
import type { PostfixTools } from './postfix-tools.ts'

export interface Load extends AsyncDisposable {
  /** For the headings: `own` or `smtp-source`. */
  readonly name: string
  /** One job at a time. Rejects when the generator ends by itself. */
  readonly run: (job: Job) => Promise<LoadResult>
}

export function startOwnLoad(): Load {
  const child = fork(path.join(import.meta.dirname, 'load-worker.ts'), {
    serialization: 'advanced',
  })
  const ended = once(child, 'exit')
  return {
    name: 'own',
    run: async (job) => {
      child.send(job)
      const answered = once(child, 'message')
      const failed = ended.then(() => Promise.reject(new Error('the load generator has ended')))
      const [result] = (await Promise.race([answered, failed])) as [LoadResult]
      return result
    },
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

let runCount = 0

/** Whether smtp-source can do it: mails of one recipient, in clear, without pipelining. */
export function isForSmtpSource(job: Job): boolean {
  if (job.kind !== 'closed') return false
  const { plan } = job
  return !plan.isPipelining && !plan.isTls && plan.recipientCount === 1
}

/** It says HELO, and keeps its sessions open as long as there is something to send. */
export function smtpSource({ folder, environment }: PostfixTools): Load {
  return {
    name: 'smtp-source',
    run: async (job) => {
      if (job.kind !== 'closed') throw new Error('smtp-source cannot do that')
      runCount += 1
      const startMs = nowMs()
      const child = spawn(path.join(folder, 'smtp-source'), argumentsFor(job), {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ...environment },
      })
      let refusal = ''
      child.stderr.on('data', (chunk: Buffer) => (refusal += chunk.toString()))
      const [exitCode] = (await once(child, 'close')) as [number | null]
      const isGood = exitCode === 0
      return {
        startMs,
        endMs: nowMs(),
        acceptedCount: isGood ? job.mailCount : 0,
        refusedCount: isGood ? 0 : job.mailCount,
        refusal: isGood ? '' : refusal.trim(),
        latenciesMs: [],
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

function argumentsFor(job: Extract<Job, { kind: 'closed' }>): readonly string[] {
  const { plan, sessionCount, mailCount, mailsPerSession } = job
  const isNew = plan.recipients === 'new'
  // With -N it puts a number in front of each recipient, and starts anew with every run.
  const recipient = `user${isNew ? runCount : 0}@${plan.domain}`
  return [
    `-s${sessionCount}`,
    `-m${mailCount}`,
    `-l${plan.contentBytes}`,
    '-fsender@outside.example',
    `-t${recipient}`,
    ...(isNew ? ['-N'] : []),
    ...(mailsPerSession > 1 ? ['-d'] : []),
    `127.0.0.1:${plan.port}`,
  ]
}
