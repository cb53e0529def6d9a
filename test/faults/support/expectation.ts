// Compares what a spool holds with what may and must be in it after some answers.

import {
  addressOf,
  contentOf,
  numbered,
  type PlannedEntry,
  type PlannedOperation,
} from './spool-plan.ts'
import { firstAttemptMs, planNowMs, type PlannedFate, type SpoolPlan } from './spool-plan.ts'
import type { Answers } from './words.ts'

/** Address → fate, as text; without any: gone, or never there. */
type EntryState = ReadonlyMap<string, string>

export interface FoundEntry {
  readonly id: string
  readonly recipients: readonly { readonly address: string; readonly fate: PlannedFate }[]
  readonly content: Buffer
}

export type Disagreement =
  /** Somebody was told it is there. */
  | 'lost'
  /** Somebody was told it is not, or nobody asked for it. */
  | 'unwanted'
  | 'wrong-fate'
  | 'wrong-content'
  /** The database was not readable. */
  | 'damaged'

export interface Fault {
  readonly kind: Disagreement
  readonly detail: string
}

const absent: EntryState = new Map()

export function faultsOf(
  plan: SpoolPlan,
  answers: Answers,
  found: readonly FoundEntry[],
): readonly Fault[] {
  const expected = possibleStates(plan, answers)
  const entries = plannedEntries(plan)
  const faults: Fault[] = []
  const foundIds = new Map(found.map((entry) => [entry.id, entry]))
  for (const id of new Set([...entries.keys(), ...foundIds.keys()])) {
    const planned = entries.get(id)
    const entry = foundIds.get(id)
    const state = entry === undefined ? absent : stateOf(entry)
    const possible = expected.get(id) ?? [absent]
    const fault = faultOf(possible, state)
    if (fault !== null) {
      const detail = `${id} is ${textOf(state)}, possible: ${possible.map(textOf).join(' | ')}`
      faults.push({ kind: fault, detail })
    } else if (entry !== undefined && planned !== undefined) {
      if (!contentOf(planned).whole.equals(entry.content)) {
        faults.push({ kind: 'wrong-content', detail: `the content of ${id}` })
      }
    }
  }
  return faults
}

function faultOf(possible: readonly EntryState[], found: EntryState): Disagreement | null {
  if (possible.some((state) => textOf(state) === textOf(found))) return null
  if (found.size === 0) return 'lost'
  return possible.every((state) => state.size === 0) ? 'unwanted' : 'wrong-fate'
}

function plannedEntries(plan: SpoolPlan): ReadonlyMap<string, PlannedEntry> {
  const commits = numbered(plan).filter((operation) => operation.kind === 'commit')
  return new Map(commits.map(({ entry }) => [entry.id, entry]))
}

/** For each entry what it may be: each operation that was not answered doubles the possibilities. */
function possibleStates(
  plan: SpoolPlan,
  answers: Answers,
): ReadonlyMap<string, readonly EntryState[]> {
  const entries = plannedEntries(plan)
  const possible = new Map<string, readonly EntryState[]>()
  for (const [number, operation] of numbered(plan).entries()) {
    const answer = answers.get(number)
    if (answer === undefined) continue
    // Only a mail that was refused must never come to light. What should have become of one that is there
    // (its next hop has it, or it is to be held) is tried again, and may have happened the first time.
    if (answer === 'refused' && operation.kind === 'commit') continue
    for (const id of concerned(operation, entries)) {
      const before = possible.get(id) ?? [absent]
      const after = before.map((state) => stateAfter(state, operation))
      possible.set(id, answer === 'done' ? after : [...before, ...after])
    }
  }
  return possible
}

function concerned(
  operation: PlannedOperation,
  entries: ReadonlyMap<string, PlannedEntry>,
): readonly string[] {
  switch (operation.kind) {
    case 'commit':
      return [operation.entry.id]
    case 'settle':
      return [operation.id]
    case 'hold':
    case 'hurry':
      return [...entries.values()]
        .filter(({ domain }) => domain === operation.domain)
        .map(({ id }) => id)
    case 'reopen':
      return []
  }
}

function stateAfter(state: EntryState, operation: PlannedOperation): EntryState {
  switch (operation.kind) {
    case 'commit': {
      const { recipients, domain } = operation.entry
      const fate = fateText({ kind: 'waiting', nextAttemptMs: firstAttemptMs })
      return new Map(recipients.map((local) => [addressOf(local, domain), fate]))
    }
    case 'settle':
      return settled(state, operation)
    case 'hold':
      return mapped(state, () =>
        fateText({ kind: 'held', reason: operation.reason, sinceMs: planNowMs }),
      )
    case 'hurry':
      return mapped(state, () => fateText({ kind: 'waiting', nextAttemptMs: 0 }))
    case 'reopen':
      return state
  }
}

function settled(
  state: EntryState,
  { fates, domain }: Extract<PlannedOperation, { kind: 'settle' }>,
): EntryState {
  const result = new Map(state)
  for (const [local, fate] of Object.entries(fates)) {
    const address = addressOf(local, domain)
    if (fate.kind === 'relayed') result.delete(address)
    else if (result.has(address)) result.set(address, fateText(fate))
  }
  return result
}

/** What is held stays so. */
function mapped(state: EntryState, change: () => string): EntryState {
  return new Map(
    [...state].map(([address, fate]) => [address, fate.startsWith('held') ? fate : change()]),
  )
}

function stateOf(entry: FoundEntry): EntryState {
  return new Map(entry.recipients.map(({ address, fate }) => [address, fateText(fate)]))
}

function fateText(fate: PlannedFate): string {
  switch (fate.kind) {
    case 'waiting':
      return `waiting until ${fate.nextAttemptMs}`
    case 'held':
      return `held, ${fate.reason}, since ${fate.sinceMs}`
    case 'relayed':
      return 'relayed'
  }
}

function textOf(state: EntryState): string {
  if (state.size === 0) return 'absent'
  return [...state]
    .map(([address, fate]) => `${address} ${fate}`)
    .toSorted()
    .join(', ')
}
