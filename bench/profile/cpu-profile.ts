// A CPU profile of V8 (--cpu-prof) as a tree of frames with their times.

import { readFileSync } from 'node:fs'

interface CallFrame {
  readonly functionName: string
  readonly url: string
}

interface RawProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: CallFrame
    readonly children?: readonly number[]
  }[]
  /** Microseconds of the machine's monotonic clock, the one of `process.hrtime`. */
  readonly startTime: number
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

export interface Frame {
  readonly name: string
  /** Empty for what V8 and Node do outside JavaScript. */
  readonly url: string
  readonly children: Frame[]
  /** Microseconds in this frame itself, without its children. */
  own: number
}

/** Only what was sampled between two moments of the monotonic clock, in microseconds; waiting is left out. */
export function readProfile(file: string, from: number, to: number): Frame {
  const raw = JSON.parse(readFileSync(file, 'utf8')) as RawProfile
  const frames = new Map<number, Frame>()
  for (const { id, callFrame } of raw.nodes) {
    const { functionName, url } = callFrame
    frames.set(id, { name: functionName || '(anonymous)', url, children: [], own: 0 })
  }
  for (const { id, children } of raw.nodes) {
    for (const child of children ?? []) {
      const frame = frames.get(child)
      if (frame !== undefined) frames.get(id)?.children.push(frame)
    }
  }
  let at = raw.startTime
  raw.samples.forEach((id, index) => {
    const took = raw.timeDeltas[index] ?? 0
    at += took
    const frame = frames.get(id)
    if (frame !== undefined && frame.name !== '(idle)' && at >= from && at <= to) frame.own += took
  })
  const root = frames.get(raw.nodes[0]?.id ?? 0)
  if (root === undefined) throw new Error(`${file} holds no profile`)
  return root
}

/** Microseconds in it and all below. */
export function totalOf(frame: Frame): number {
  return frame.children.reduce((sum, child) => sum + totalOf(child), frame.own)
}

/**
 * Every frame of the tree.
 * @yields the caller before what it called
 */
export function* framesOf(frame: Frame): Generator<Frame> {
  yield frame
  for (const child of frame.children) yield* framesOf(child)
}
