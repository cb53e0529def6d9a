// What 1, 10 and 1,000 nodes carry: constants measured on one node, put into formulas, and two simulations.
// The traffic is assumed; whoever has other numbers changes `traffic` and runs `node bench/capacity.ts model`.

import { pretty } from '../support/numbers.ts'
import { readConstants, type Constants } from './constants.ts'
import { section, type Section } from './section.ts'
import { simulateConnections, simulateQuestions } from './simulate.ts'

/** Assumed, not measured. */
const traffic = {
  /** Of content, as accepted. */
  meanMailBytes: 100 * 1024,
  mailsPerSession: 1.3,
  recipientsPerMail: 1.2,
  /** Of sessions that bring mail, and of those that are refused; none of them resumed. */
  tlsShare: 0.9,
  refusedTlsShare: 0.5,
  /** Sessions that end with a refusal for each mail that is accepted, each after one RCPT: 80 % are refused. */
  refusedPerMail: 4,
  /** Mean length of a session in seconds: slow clients, and long queues at theirs. */
  sessionSeconds: 10,
  /** The busiest hour has that many times the mean. */
  peakFactor: 3,
  addressCount: 1_000_000,
  domainCount: 10_000,
  coresPerNode: 2,
  /** Above it, waiting times grow. */
  usableShare: 0.6,
  /** Of one node. */
  networkBitsPerSecond: 1e9,
} as const

const nodeCounts = [1, 10, 1000] as const
/** As deep as the simulations go. */
const simulatedMailsPerDay = 1_000_000
const institute = { mailsPerSecond: 10, busyMs: 20, idleCloseMs: 5000, seconds: 3600 } as const
/** Defaults of Pforte: hand-over, questions. */
const connectionsPerNode = { handover: 20, question: 4 } as const
const mebibyte = 1024 ** 2

/** CPU milliseconds for one accepted mail and all that is refused meanwhile. `askedShare`: of its recipients. */
export function cpuMsPerMail(constants: Constants, askedShare: number): number {
  const { mailMs, sessionMs, tlsMs, questionMs, recipientMs, memoryMibMs } = constants
  const session = sessionMs + traffic.tlsShare * tlsMs
  const refused = sessionMs + traffic.refusedTlsShare * tlsMs + questionMs
  return (
    mailMs +
    (traffic.meanMailBytes / mebibyte) * memoryMibMs +
    (traffic.recipientsPerMail - 1) * recipientMs +
    session / traffic.mailsPerSession +
    traffic.recipientsPerMail * askedShare * questionMs +
    traffic.refusedPerMail * refused
  )
}

export function modelSections(): readonly Section[] {
  const constants = readConstants()
  return [costSection(constants), nodeSection(constants), questionSection(), connectionSection()]
}

function askedShareOf(nodeCount: number): { readonly live: number; readonly refresh: number } {
  const { liveShare, refreshShare } = simulateQuestions({
    nodeCount,
    addressCount: traffic.addressCount,
    mailsPerDay: simulatedMailsPerDay,
    dayCount: 3,
  })
  return { live: liveShare, refresh: refreshShare }
}

function costSection(constants: Constants): Section {
  const names: readonly (readonly [keyof Constants, string, number])[] = [
    ['mailMs', 'a mail of 4 KiB to a known recipient, CPU ms', 1],
    ['sessionMs', 'a session, CPU ms', 1],
    ['tlsMs', 'STARTTLS without resumption, CPU ms', 1],
    ['questionMs', 'a question about a recipient, CPU ms', 1],
    ['recipientMs', 'each further recipient, CPU ms', 1],
    ['memoryMibMs', 'a MiB of content through memory, CPU ms', 1],
    ['fileMibMs', 'a MiB of content through a file, CPU ms', 1],
    ['spoolMailMs', 'a mail to the spool, CPU ms', 1],
    ['spoolMailsPerSecond', 'mails to the spool, a second', 1],
    ['idleSessionBytes', 'an idle session, KiB', 1024],
    ['baseBytes', 'all processes before anything is remembered, MiB', mebibyte],
    ['domainBytes', 'a served domain in each process, KiB', 1024],
    ['addressBytes', 'a remembered address in each worker, bytes', 1],
    ['storedAddressBytes', 'a remembered address in the file, bytes', 1],
    ['spoolEntryBytes', 'a spooled mail of 4 KiB on the disk, KiB', 1024],
  ]
  const rows = names.map(([name, title, unit]) => [
    `\`${name}\``,
    title,
    pretty(constants[name] / unit),
  ])
  return section('constants', 'Measured.', ['constant', 'what', 'value'], rows)
}

function nodeSection(constants: Constants): Section {
  const columns = nodeCounts.map((nodeCount) => nodeNumbers(constants, nodeCount))
  const rows = Object.keys(columns[0] ?? {}).map((title) => [
    title,
    ...columns.map((column) => column[title] ?? ''),
  ])
  const head = ['', ...nodeCounts.map((count) => `${count.toLocaleString('en')} nodes`)]
  const assumed = Object.entries(traffic).map(
    ([name, value]) => `${name} ${value.toLocaleString('en')}`,
  )
  return section(
    'nodes',
    `Computed from the constants and assumed traffic: ${assumed.join(', ')}.`,
    head,
    rows,
  )
}

function nodeNumbers(constants: Constants, nodeCount: number): Readonly<Record<string, string>> {
  // At full load each of them sees about as many mails a day as the single one of the simulation.
  const asked = askedShareOf(1)
  const cpuMs = cpuMsPerMail(constants, asked.live + asked.refresh)
  const perNode = (traffic.coresPerNode * 1000 * traffic.usableShare) / cpuMs
  const perSecond = perNode * nodeCount
  const byNetwork = traffic.networkBitsPerSecond / 8 / traffic.meanMailBytes
  const sessionCount =
    perNode * (1 / traffic.mailsPerSession + traffic.refusedPerMail) * traffic.sessionSeconds
  const memoryBytes =
    constants.baseBytes +
    sessionCount * constants.idleSessionBytes +
    (traffic.coresPerNode + 2) * traffic.domainCount * constants.domainBytes +
    traffic.coresPerNode * traffic.addressCount * constants.addressBytes
  const questions = perSecond * (traffic.refusedPerMail + asked.live + asked.refresh)
  return {
    'CPU ms for an accepted mail and the refused ones beside it': pretty(cpuMs),
    'mails/s accepted at the peak, all nodes': pretty(perSecond),
    'million mails a day': pretty((perSecond * 86_400) / traffic.peakFactor / 1e6),
    'attempts refused a second': pretty(perSecond * traffic.refusedPerMail),
    'content, Gbit/s a node and direction': pretty((perNode * traffic.meanMailBytes * 8) / 1e9),
    'mails/s a node the network would carry': pretty(byNetwork),
    'sessions open a node': pretty(sessionCount),
    'memory a node, GiB': pretty(memoryBytes / 1024 ** 3),
    'questions/s to all institutes': pretty(questions),
    'mails/s all spools take': pretty(constants.spoolMailsPerSecond * nodeCount),
    'connections one institute may see': pretty(
      nodeCount * (connectionsPerNode.handover + connectionsPerNode.question),
    ),
  }
}

function questionSection(): Section {
  const rows = nodeCounts.map((nodeCount) => {
    const { live, refresh } = askedShareOf(nodeCount)
    return [
      nodeCount.toLocaleString('en'),
      percent(live),
      percent(refresh),
      pretty(((live + refresh) * simulatedMailsPerDay) / 86_400),
    ]
  })
  const when = `Simulated: ${simulatedMailsPerDay.toLocaleString('en')} mails a day over all nodes, ${traffic.addressCount.toLocaleString('en')} addresses (Zipf), the third day.`
  return section(
    'questions',
    when,
    [
      'nodes',
      'mails whose sender waits for a question',
      'background questions, of mails',
      'questions/s in all',
    ],
    rows,
  )
}

function connectionSection(): Section {
  const rows = nodeCounts.map((nodeCount) => {
    const { meanCount, maxCount, reusedShare } = simulateConnections({ ...institute, nodeCount })
    return [
      nodeCount.toLocaleString('en'),
      pretty(meanCount),
      pretty(maxCount),
      percent(reusedShare),
    ]
  })
  const when = `Simulated: one institute, ${institute.mailsPerSecond} mails/s over all nodes, ${institute.busyMs} ms each, idle connections closed after ${institute.idleCloseMs / 1000} s, one hour.`
  return section(
    'connections',
    when,
    ['nodes', 'connections open, mean', 'most', 'mails on an open connection'],
    rows,
  )
}

function percent(share: number): string {
  return `${pretty(share * 100)} %`
}
