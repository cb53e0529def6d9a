// A comparison as Markdown.

import { machineFacts } from '../support/machine.ts'
import { markdownTable } from '../support/markdown.ts'
import { median, pretty, prettyMedian } from '../support/numbers.ts'
import type { Comparison, Outcome, PeerOutcomes, WorkloadOutcomes } from './run.ts'

export function report(comparison: Comparison, missing: readonly string[]): string {
  return [
    facts(comparison),
    peerTable(comparison, missing),
    ...comparison.workloads.map(workloadSection),
  ].join('\n\n')
}

function facts({ options, startedAt, endedAt, loadAtStart }: Comparison): string {
  return [
    `${machineFacts()}.`,
    `${startedAt} to ${endedAt}, load at the start ${loadAtStart}.`,
    'Generator, relay and sink share the machine, everything over loopback.',
    `Each cell: median (lowest–highest) of ${options.repetitionCount}; each measurement with relays just started, interleaved.`,
    'Ratios: Pforte over the other, pair by pair, then the median.',
    'CPU: all processes of the relay, user and system.',
  ].join('\n')
}

function peerTable({ options }: Comparison, missing: readonly string[]): string {
  const rows = options.peers.map(({ name, version, note }) => [name, version, note])
  const notFound = missing.map((line) => `Not measured: ${line}.`)
  return [markdownTable(['relay', 'version', 'set-up'], rows), ...notFound].join('\n\n')
}

function workloadSection({ workload, peers, generator, sink }: WorkloadOutcomes): string {
  const [main] = workload.columns
  const reference = peers[0]
  const head = ['', ...workload.columns.map(({ title }) => title), 'ratio']
  const rows = peers.map((ofPeer) => [
    ofPeer.peer.name,
    ...workload.columns.map(({ key }) => prettyMedian(valuesOf(ofPeer, key))),
    ofPeer === reference ? '' : ratio(reference, ofPeer, main.key),
  ])
  const lines = [
    `### ${workload.title}`,
    `${workload.text} Generator ${generator}, sink ${sink}${noise(peers)}.`,
    markdownTable(head, rows),
    ...peers.flatMap(failures),
  ]
  return lines.join('\n\n')
}

function valuesOf({ outcomes }: PeerOutcomes, key: string): readonly number[] {
  return outcomes.map((outcome) => valueOf(outcome, key)).filter(Number.isFinite)
}

function valueOf(outcome: Outcome | undefined, key: string): number {
  return outcome?.kind === 'measured' ? (outcome.numbers[key] ?? NaN) : NaN
}

function ratio(reference: PeerOutcomes | undefined, other: PeerOutcomes, key: string): string {
  const ratios = other.outcomes
    .map((outcome, index) => valueOf(reference?.outcomes[index], key) / valueOf(outcome, key))
    .filter(Number.isFinite)
  return pretty(median(ratios))
}

function noise(peers: readonly PeerOutcomes[]): string {
  const shares = peers.flatMap(({ outcomes }) =>
    outcomes.flatMap((outcome) => (outcome.kind === 'measured' ? [outcome.foreignShare] : [])),
  )
  if (shares.length === 0) return ''
  const percent = (share: number): string => `${Math.round(share * 100)} %`
  return `; others used ${percent(median(shares))} of the machine, at most ${percent(Math.max(...shares))}`
}

function failures({ peer, outcomes }: PeerOutcomes): readonly string[] {
  const reasons = outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? [outcome.reason] : []))
  if (reasons.length === 0) return []
  return [`${peer.name}: ${reasons.length} of ${outcomes.length} failed (${reasons[0]}).`]
}
