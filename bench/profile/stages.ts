// What a mail costs, by the part of the program that was running.

import { framesOf, type Frame } from './cpu-profile.ts'

const socketWrites: ReadonlySet<string> = new Set([
  'writeUtf8String',
  'writeLatin1String',
  'writeAsciiString',
  'writeBuffer',
  'writev',
])

/** Stage → microseconds a mail, the dearest first. */
export function stagesOf(root: Frame, mailCount: number): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const frame of framesOf(root)) {
    const stage = stageOf(frame)
    sums.set(stage, (sums.get(stage) ?? 0) + frame.own / mailCount)
  }
  return new Map([...sums].toSorted(([, a], [, b]) => b - a))
}

function stageOf({ name, url }: Frame): string {
  if (name === '(garbage collector)') return 'garbage collection'
  if (url === '' && socketWrites.has(name)) return 'writing to sockets (kernel)'
  const folder = /\/src\/(\w+)\//.exec(url)?.[1]
  if (folder !== undefined) return `src/${folder}`
  if (url.includes('/node_modules/')) return 'libraries'
  return url.startsWith('node:') ? "Node's own JavaScript" : 'other native code'
}
