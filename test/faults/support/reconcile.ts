// The account at the end: what each client heard against what the institutes and the spool have.

import type { TakenMail } from './flapping-institute.ts'
import type { SentNumber, Try } from './outside-client.ts'

/** A recipient of a mail that is still with the relay. */
export interface KeptMail {
  readonly number: number
  readonly address: string
  readonly fate: 'waiting' | 'held'
}

export interface World {
  readonly numbers: readonly SentNumber[]
  readonly taken: readonly TakenMail[]
  readonly kept: readonly KeptMail[]
  /** When the relay was killed. */
  readonly killsMs: readonly number[]
}

/** Why one mail came twice, as far as RFC 1047 makes it unavoidable. */
export type Explanation =
  /** The institute took it, and the answer did not come through. */
  | 'reply-lost'
  /** The relay was killed between the institute's 250 and what it makes of it: settle, or its reply. */
  | 'killed-before-settle'
  /** The client's session ended without an answer by a kill, so the client sent the mail again. */
  | 'session-cut'
  /** One of several institutes took it, another gave no answer, and the kill took the memory of that. */
  | 'killed-between-tries'
  /** The client left while the relay's answer was on its way: the relay took it for heard. Rare. */
  | 'answer-crossed'

export interface Account {
  readonly numberCount: number
  /** Recipients whose mail got 250. */
  readonly yesCount: number
  readonly deliveredCount: number
  readonly waitingCount: number
  readonly heldCount: number
  /** 250, and nowhere: one line each, as all the following. */
  readonly lost: readonly string[]
  /** Never got 250 nor silence, and came nevertheless after the last answer. */
  readonly unwanted: readonly string[]
  readonly broken: readonly string[]
  readonly duplicates: Readonly<Record<Explanation, number>>
  readonly unexplained: readonly string[]
}

/** Between the institute's 250 and the settle lies a round trip to the disk, on a busy machine. */
const settleMs = 2000

export function reconcile(world: World): Account {
  const takenOf = Map.groupBy(world.taken, ({ number }) => number)
  const keptOf = Map.groupBy(world.kept, ({ number }) => number)
  const pairs = world.numbers.flatMap((mail) =>
    mail.recipients.map((address): Pair => {
      const taken = takenOf.get(mail.number) ?? []
      const kept = keptOf.get(mail.number) ?? []
      return {
        mail,
        address,
        tries: mail.tries.filter(({ answers }) => answers.has(address)),
        deliveries: taken.filter(({ recipients }) => recipients.includes(address)),
        kept: kept.filter((each) => each.address === address),
      }
    }),
  )
  const duplicates = {
    'reply-lost': 0,
    'killed-before-settle': 0,
    'session-cut': 0,
    'killed-between-tries': 0,
    'answer-crossed': 0,
  }
  const unexplained: string[] = []
  for (const pair of pairs) {
    for (const [index, later] of pair.deliveries.entries()) {
      const earlier = pair.deliveries[index - 1]
      if (earlier === undefined) continue
      const explanation = explain(world, pair, earlier, later)
      if (explanation === null) unexplained.push(describe(pair))
      else duplicates[explanation] += 1
    }
  }
  return {
    numberCount: world.numbers.length,
    yesCount: pairs.filter(hasYes).length,
    deliveredCount: pairs.filter(({ deliveries }) => deliveries.length > 0).length,
    waitingCount: world.kept.filter(({ fate }) => fate === 'waiting').length,
    heldCount: world.kept.filter(({ fate }) => fate === 'held').length,
    lost: pairs.filter(isLost).map(describe),
    unwanted: pairs.filter(isUnwanted).map(describe),
    broken: world.taken
      .filter(({ isExpected }) => !isExpected)
      .map(({ number, traceId }) => `${number} (${traceId})`),
    duplicates,
    unexplained,
  }
}

interface Pair {
  readonly mail: SentNumber
  readonly address: string
  readonly tries: readonly Try[]
  readonly deliveries: readonly TakenMail[]
  readonly kept: readonly KeptMail[]
}

function hasYes(pair: Pair): boolean {
  return pair.tries.some(({ answers }) => answers.get(pair.address) === 'yes')
}

function isLost(pair: Pair): boolean {
  return hasYes(pair) && pair.deliveries.length === 0 && pair.kept.length === 0
}

/**
 * A client that was told 4yz or 5yz, each time, has the mail itself: the relay makes nothing more of it.
 * What the institute took before that answer is RFC 1047's, and so is what was still on its way to it when the
 * relay gave up waiting, and which it never answered.
 */
function isUnwanted(pair: Pair): boolean {
  const given = pair.tries.map(({ answers }) => answers.get(pair.address))
  const last = pair.tries.at(-1)
  if (last === undefined || given.includes('yes') || given.includes('unanswered')) return false
  return pair.kept.length > 0 || pair.deliveries.some((each) => isAfter(last, each))
}

function isAfter({ endMs }: Try, { atMs, isAnswered }: TakenMail): boolean {
  return atMs > endMs + (isAnswered ? 0 : settleMs)
}

function explain(
  world: World,
  pair: Pair,
  earlier: TakenMail,
  later: TakenMail,
): Explanation | null {
  const kills = world.killsMs.filter((atMs) => earlier.atMs <= atMs && atMs <= later.atMs)
  if (earlier.traceId === later.traceId) {
    const isNear = kills.some((atMs) => atMs - earlier.atMs < settleMs)
    return isNear ? 'killed-before-settle' : earlier.isAnswered ? null : 'reply-lost'
  }
  const isCut = pair.tries.some(
    ({ startMs, endMs, answers }) =>
      answers.get(pair.address) === 'unanswered' &&
      startMs <= later.atMs &&
      world.killsMs.some((atMs) => startMs <= atMs && atMs <= Math.max(endMs, later.atMs)),
  )
  if (isCut) return 'session-cut'
  if (!earlier.isAnswered) return 'reply-lost'
  if (kills.length > 0 && pair.mail.recipients.length > 1) return 'killed-between-tries'
  const hasLeft = pair.tries.some(
    ({ startMs, answers }) => answers.get(pair.address) === 'unanswered' && startMs <= earlier.atMs,
  )
  return hasLeft ? 'answer-crossed' : null
}

function describe({ mail, address, tries, deliveries, kept }: Pair): string {
  const round = (ms: number): number => Math.round(ms)
  const said = tries.map(
    ({ startMs, endMs, answers }) =>
      `${answers.get(address) ?? '-'} at ${round(startMs)}–${round(endMs)}`,
  )
  const came = deliveries.map(
    ({ traceId, atMs, isAnswered }) =>
      `${traceId} at ${round(atMs)}${isAnswered ? '' : ' without an answer'}`,
  )
  const fates = kept.map(({ fate }) => fate)
  return `number ${mail.number} to ${address}: client [${said.join('; ')}], institute [${came.join('; ')}], relay [${fates.join('; ')}]`
}
