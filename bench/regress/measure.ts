// The measurements of regress.ts: each work with the relay and with the reference, in turn.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { startRelay, type TestRelay } from '../../test/support/relay.ts'
import { startOwnLoad, type Load } from '../load/start-load.ts'
import { startOwnSink } from '../load/start-sink.ts'
import { processTree, type ProcessTree } from '../support/process-tree.ts'
import { cpuSeconds, instructions, type Unit } from './counter.ts'

export interface MeasureOptions {
  readonly unit: Unit
  readonly repetitionCount: number
  /** Of one measurement. */
  readonly mailCount: number
  readonly progress: (line: string) => void
}

interface Program {
  readonly port: number
  readonly tree: ProcessTree
}

interface Work {
  readonly name: string
  readonly program: Program
  readonly mailsPerSession: number
}

const domain = 'inst.example'
const sessionCount = 20

/** Per kind of work one number a repetition: instructions a mail, or how many times the reference's CPU time. */
export async function measureAll(
  options: MeasureOptions,
): Promise<Readonly<Record<string, readonly number[]>>> {
  await using load = startOwnLoad()
  await using reference = await startReference()
  await using sink = await startOwnSink()
  await using away = await startOwnSink()
  await using up = await relayTo(sink.port)
  await using spooling = await relayTo(away.port)
  const works: readonly Work[] = [
    { name: 'one mail a session', program: programOf(up), mailsPerSession: 1 },
    { name: 'many mails a session', program: programOf(up), mailsPerSession: 500 },
    { name: 'to the spool', program: programOf(spooling), mailsPerSession: 500 },
  ]
  // The recipient has to be known before its server is down.
  await send(load, spooling.port, 500, 200)
  await away.down()
  for (const { program, mailsPerSession } of works) {
    for (const { port } of [program, reference]) {
      await send(load, port, mailsPerSession, options.mailCount)
    }
  }
  const results = new Map<string, number[]>(works.map(({ name }) => [name, []]))
  for (let repetition = 1; repetition <= options.repetitionCount; repetition += 1) {
    for (const work of works) {
      const number = await measureOnce(load, reference, work, options)
      results.get(work.name)?.push(number)
      options.progress(`${repetition} ${work.name}: ${number.toPrecision(3)}`)
    }
  }
  return Object.fromEntries(results)
}

async function measureOnce(
  load: Load,
  reference: Program,
  { program, mailsPerSession }: Work,
  { unit, mailCount }: MeasureOptions,
): Promise<number> {
  const count = unit === 'instructions' ? instructions : cpuSeconds
  const costOf = async ({ port, tree }: Program): Promise<number> =>
    await count(tree, () => send(load, port, mailsPerSession, mailCount))
  if (unit === 'instructions') return (await costOf(program)) / mailCount
  // Before and after, so that a drift of the machine is in both.
  const before = await costOf(reference)
  const cost = await costOf(program)
  return cost / ((before + (await costOf(reference))) / 2)
}

async function send(
  load: Load,
  port: number,
  mailsPerSession: number,
  mailCount: number,
): Promise<void> {
  const plan = {
    port,
    domain,
    recipients: 'known',
    recipientCount: 1,
    contentBytes: 4096,
    isPipelining: true,
    isTls: false,
  } as const
  const result = await load.run({ kind: 'closed', plan, sessionCount, mailCount, mailsPerSession })
  if (result.refusedCount > 0) throw new Error(result.refusal)
}

async function startReference(): Promise<Program & AsyncDisposable> {
  const child = fork(path.join(import.meta.dirname, 'reference-worker.ts'))
  const ended = once(child, 'exit')
  const [port] = (await once(child, 'message')) as [number]
  return {
    port,
    tree: processTree(child.pid ?? 0),
    [Symbol.asyncDispose]: async () => {
      child.disconnect()
      await ended
    },
  }
}

/** One worker: what a mail costs does not depend on how many cores there are. */
async function relayTo(port: number): Promise<TestRelay> {
  return await startRelay({
    domains: [{ domain, to: `127.0.0.1:${port}` }],
    config: { workers: 1 },
  })
}

function programOf({ port, pid }: TestRelay): Program {
  return { port, tree: processTree(pid) }
}
