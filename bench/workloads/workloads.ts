// The list of everything that is measured.

import { setTimeout as pause } from 'node:timers/promises'
import { pforte } from '../peers/pforte.ts'
import { median, quantile } from '../support/numbers.ts'
import { ingest, memoryPeak, throughput, untilArrived, untilQuiet } from './measure.ts'
import { planFor, type Column, type Scene, type Workload } from './workload.ts'

const rate: Column = { key: 'mailsPerSecond', title: 'mails/s' }
const cpu: Column = { key: 'cpuMsPerMail', title: 'CPU ms a mail' }

/** Below the relay's own limit with room for the trace field. */
const largeBytes = 52_000_000
const largeCount = 8
const maxIdleCount = 5000
const latencyPerSecond = 20

const oneMail = { sessionCount: 20, mailsPerSession: 1 }
/** smtp-source never ends a session before its work is done; ours shall not either. */
const manyMails = { sessionCount: 100, mailsPerSession: 900 }

export const workloads: readonly Workload[] = [
  {
    name: 'one-mail',
    title: 'One mail a session',
    text: '4 KiB, 20 sessions at once, always the same recipient. Until the next hop has all of them.',
    columns: [rate, cpu],
    needs: [],
    sink: 'light',
    measure: async (scene) => ({ ...(await throughput(scene, planFor(scene), oneMail)) }),
  },
  {
    name: 'new-recipients',
    title: 'One mail a session, each to a recipient not seen before',
    text: 'The same, with a question to the next hop for each mail.',
    columns: [rate, cpu],
    needs: ['verifies'],
    sink: 'light',
    measure: async (scene) => ({
      ...(await throughput(scene, planFor(scene, { recipients: 'new' }), oneMail)),
    }),
  },
  {
    name: 'many-mails',
    title: 'Many mails a session',
    text: '4 KiB, 100 sessions kept open, a command at a time.',
    columns: [rate, cpu],
    needs: [],
    sink: 'light',
    measure: async (scene) => ({ ...(await throughput(scene, planFor(scene), manyMails)) }),
  },
  {
    name: 'pipelined',
    title: 'Many mails a session, pipelined',
    text: '4 KiB, 20 sessions kept open, MAIL, RCPT and DATA in one write.',
    columns: [rate, cpu],
    needs: ['sessions'],
    sink: 'own',
    measure: async (scene) => ({
      ...(await throughput(scene, planFor(scene, { isPipelining: true }), {
        sessionCount: 20,
        mailsPerSession: 900,
      })),
    }),
  },
  latency('latency', 'known', 'Latency'),
  latency('latency-new', 'new', 'Latency, each recipient new'),
  {
    name: 'large',
    title: 'Eight mails of 50 MiB at once',
    text: 'Memory is what the relay takes at most above what it took before (PSS).',
    columns: [
      { key: 'mibPerSecond', title: 'MiB/s' },
      { key: 'seconds', title: 'seconds' },
      { key: 'cpuSeconds', title: 'CPU s' },
      { key: 'memoryMiB', title: 'memory MiB' },
    ],
    needs: [],
    sink: 'own',
    measure: large,
  },
  {
    name: 'outage',
    title: 'The next hop is down',
    text: '4 KiB to a recipient known from before, 20 sessions kept open; accepted means synced to the disk.',
    columns: [rate, cpu],
    needs: ['keeps'],
    sink: 'own',
    measure: outage,
  },
  {
    name: 'starttls',
    title: 'STARTTLS, one mail a session',
    text: 'ECDSA P-256, no session is resumed. The generator needs more CPU time for it than the relay.',
    columns: [rate, cpu],
    needs: ['starttls'],
    sink: 'own',
    measure: async (scene) => ({
      ...(await throughput(scene, planFor(scene, { isTls: true }), oneMail)),
    }),
  },
  {
    name: 'idle',
    title: 'Idle sessions',
    text: `After EHLO, ${maxIdleCount} of them or as many as the relay takes as configured. What they add to its memory (PSS; the kernel's part is nobody's).`,
    columns: [
      { key: 'kibEach', title: 'KiB each' },
      { key: 'count', title: 'sessions' },
    ],
    needs: [],
    sink: 'own',
    measure: idle,
  },
  {
    name: 'workers',
    title: 'Workers',
    text: 'Many mails a session, Pforte with one and with two workers. With generator and sink on the same cores the throughput says little below four cores; CPU time a mail does.',
    columns: [rate, cpu],
    needs: [],
    sink: 'light',
    peers: [pforte(2), pforte(1)],
    measure: async (scene) => ({ ...(await throughput(scene, planFor(scene), manyMails)) }),
  },
]

function latency(name: string, recipients: 'known' | 'new', title: string): Workload {
  return {
    name,
    title,
    text: `${latencyPerSecond} mails a second, one a session, from connecting to the answer to the content.`,
    columns: [{ key: 'p50', title: 'median ms' }, { key: 'p99', title: '99 % below ms' }, cpu],
    needs: recipients === 'new' ? ['verifies'] : [],
    sink: 'own',
    measure: async (scene) => {
      const plan = planFor(scene, { recipients })
      const send = (mailCount: number): ReturnType<Scene['send']> =>
        scene.send({ kind: 'open', plan, mailCount, perSecond: latencyPerSecond })
      await throughputWarmUp(scene)
      const before = scene.tree.cpuSeconds()
      const { latenciesMs, acceptedCount } = await send(2 * latencyPerSecond * scene.seconds)
      await untilQuiet(scene.tree)
      return {
        p50: median(latenciesMs),
        p99: quantile(latenciesMs, 0.99),
        cpuMsPerMail: ((scene.tree.cpuSeconds() - before) * 1000) / acceptedCount,
      }
    },
  }
}

async function throughputWarmUp(scene: Scene): Promise<void> {
  await throughput({ ...scene, seconds: 1 }, planFor(scene), oneMail)
}

async function large(scene: Scene): Promise<Readonly<Record<string, number>>> {
  const { tree, sink } = scene
  const send = async (contentBytes: number): Promise<number> => {
    const before = await sink.state()
    const plan = planFor(scene, { contentBytes })
    const { startMs, endMs, acceptedCount } = await scene.send({
      kind: 'closed',
      plan,
      sessionCount: largeCount,
      mailCount: largeCount,
      mailsPerSession: 1,
    })
    const arrivedMs = await untilArrived(scene, before.count + acceptedCount)
    return (Math.max(arrivedMs, endMs) - startMs) / 1000
  }
  await send(100_000)
  await send(2_000_000)
  await untilQuiet(tree)
  const cpuBefore = tree.cpuSeconds()
  let seconds = 0
  const memory = await memoryPeak(tree, async () => (seconds = await send(largeBytes)))
  await untilQuiet(tree)
  return {
    mibPerSecond: (largeBytes * largeCount) / 1024 ** 2 / seconds,
    seconds,
    cpuSeconds: tree.cpuSeconds() - cpuBefore,
    memoryMiB: memory / 1024 ** 2,
  }
}

async function outage(scene: Scene): Promise<Readonly<Record<string, number>>> {
  const plan = planFor(scene)
  await throughputWarmUp(scene)
  await scene.sink.down()
  const send = (mailCount: number): ReturnType<typeof ingest> =>
    ingest(scene, { kind: 'closed', plan, mailCount, sessionCount: 20, mailsPerSession: 900 })
  const first = await send(40)
  const second = await send(Math.max(40, Math.round(first.mailsPerSecond)))
  return { ...(await send(Math.max(40, Math.round(second.mailsPerSecond * scene.seconds)))) }
}

async function idle(scene: Scene): Promise<Readonly<Record<string, number>>> {
  const { tree, relay, peer } = scene
  await throughputWarmUp(scene)
  const sessionCount = Math.min(maxIdleCount, peer.maxSessionCount)
  // What opening them costs once (code, heap) is not what they cost.
  await scene.send({ kind: 'hold', port: relay.port, sessionCount: Math.ceil(sessionCount / 10) })
  await scene.send({ kind: 'release' })
  await untilQuiet(tree)
  const before = tree.memoryBytes()
  const { acceptedCount } = await scene.send({ kind: 'hold', port: relay.port, sessionCount })
  await pause(2000)
  const added = tree.memoryBytes() - before
  await scene.send({ kind: 'release' })
  return { kibEach: added / 1024 / acceptedCount, count: acceptedCount }
}
