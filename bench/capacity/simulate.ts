// What cannot be measured here: many nodes. Two small simulations of rules that Pforte follows, driven by random
// numbers with a fixed seed, so that they give the same every time.

/** Mulberry32: from 0 up to but not including 1. */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export interface QuestionScene {
  readonly nodeCount: number
  readonly addressCount: number
  readonly mailsPerDay: number
  readonly dayCount: number
}

export interface QuestionShares {
  /** Of mails whose recipient had to be asked for while the sender waited. */
  readonly liveShare: number
  /** Of mails after which a question was asked in the background. */
  readonly refreshShare: number
}

const dayMs = 86_400_000
const freshMs = dayMs
const refreshMs = dayMs / 2

/**
 * Each mail comes to one node by chance, for one address by Zipf's law. A node asks for an address it has not
 * heard of for 24 h, and asks anew in the background after 12 h. Counted on the last day.
 */
export function simulateQuestions(scene: QuestionScene): QuestionShares {
  const random = randomNumbers(1)
  const lastAskedMs = new Map<number, number>()
  const mailCount = scene.mailsPerDay * scene.dayCount
  let [liveCount, refreshCount] = [0, 0]
  for (let mail = 0; mail < mailCount; mail += 1) {
    const nowMs = (mail / scene.mailsPerDay) * dayMs
    const address = Math.floor(scene.addressCount ** random()) - 1
    const key = Math.floor(random() * scene.nodeCount) * scene.addressCount + address
    const ageMs = nowMs - (lastAskedMs.get(key) ?? -Infinity)
    if (ageMs <= refreshMs) continue
    lastAskedMs.set(key, nowMs)
    if (nowMs < (scene.dayCount - 1) * dayMs) continue
    if (ageMs > freshMs) liveCount += 1
    else refreshCount += 1
  }
  return {
    liveShare: liveCount / scene.mailsPerDay,
    refreshShare: refreshCount / scene.mailsPerDay,
  }
}

export interface ConnectionScene {
  readonly nodeCount: number
  /** For one institute, over all nodes. */
  readonly mailsPerSecond: number
  /** How long a mail occupies a connection. */
  readonly busyMs: number
  /** After which an unused one is closed. */
  readonly idleCloseMs: number
  readonly seconds: number
}

export interface ConnectionLoad {
  readonly meanCount: number
  readonly maxCount: number
  /** Of mails that found an open connection of their node. */
  readonly reusedShare: number
}

interface Connection {
  busyUntilMs: number
}

/** Mails come at random times; a node takes the free connection it opened last, else opens one. */
export function simulateConnections(scene: ConnectionScene): ConnectionLoad {
  const random = randomNumbers(2)
  const nodes = new Map<number, Connection[]>()
  // In the order of time: every mail is as long and every connection as patient as the others.
  const closings: { readonly atMs: number; readonly node: number }[] = []
  let [nowMs, openMs, openCount, maxCount] = [0, 0, 0, 0]
  let [mailCount, reusedCount, nextClosing] = [0, 0, 0]
  const advance = (toMs: number): void => {
    openMs += openCount * (toMs - nowMs)
    nowMs = toMs
  }
  while (nowMs < scene.seconds * 1000) {
    const arrivalMs = nowMs - (Math.log(1 - random()) * 1000) / scene.mailsPerSecond
    for (let next = closings[nextClosing]; next !== undefined; next = closings[nextClosing]) {
      if (next.atMs > arrivalMs) break
      advance(next.atMs)
      openCount -= closeUnused(nodes.get(next.node) ?? [], nowMs, scene.idleCloseMs)
      nextClosing += 1
    }
    advance(arrivalMs)
    const node = Math.floor(random() * scene.nodeCount)
    const connections = nodes.get(node) ?? []
    nodes.set(node, connections)
    mailCount += 1
    const free = connections.findLast(({ busyUntilMs }) => busyUntilMs <= nowMs)
    if (free === undefined) openCount += 1
    else reusedCount += 1
    const used = free ?? { busyUntilMs: 0 }
    if (free === undefined) connections.push(used)
    used.busyUntilMs = nowMs + scene.busyMs
    closings.push({ atMs: used.busyUntilMs + scene.idleCloseMs, node })
    maxCount = Math.max(maxCount, openCount)
  }
  return { meanCount: openMs / nowMs, maxCount, reusedShare: reusedCount / mailCount }
}

/** Removes those whose time has come; gives how many. */
function closeUnused(connections: Connection[], nowMs: number, idleCloseMs: number): number {
  const kept = connections.filter(({ busyUntilMs }) => busyUntilMs + idleCloseMs > nowMs)
  const closedCount = connections.length - kept.length
  connections.splice(0, connections.length, ...kept)
  return closedCount
}
