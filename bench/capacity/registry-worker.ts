// The registry with many served domains. `node --expose-gc registry-worker.ts COUNT`

import { systemClock } from '#base/clock.ts'
import { openRegistry } from '#registry/open-registry.ts'
import type { RegistryEvent, ServedDomain } from '#registry/registry.ts'
import { createServedDomain } from '#registry/served-domain.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { heapBytes, millisecondsOf, nanosecondsEach } from './in-process.ts'

export interface RegistryNumbers {
  /** Of all domains, in memory. */
  readonly heapBytes: number
  readonly findNanoseconds: number
  /** To write all of them in one transaction. */
  readonly applyMs: number
  /** To write one more. */
  readonly putMs: number
  readonly openMs: number
  /** From the change in one process to the moment another process answers by it. */
  readonly followMs: number
}

const count = Number(process.argv[2])
await using folder = await temporaryFolder()
const open = (
  emit: (event: RegistryEvent) => void = () => undefined,
): ReturnType<typeof openRegistry> =>
  openRegistry({ folder: folder.path, clock: systemClock, emit })

const registry = open()
const before = heapBytes()
const applyMs = millisecondsOf(() =>
  registry.apply(
    Array.from({ length: count }, (_, index) => ({ kind: 'put', domain: served(index) }) as const),
  ),
)
const names = Array.from({ length: count }, (_, index) => nameOf(index))
let found = 0
const findNanoseconds = nanosecondsEach(1_000_000, (index) => {
  if (registry.find(names[(index * 7919) % count] ?? '') !== undefined) found += 1
})
if (found === 0) throw new Error('nothing found')
const heap = heapBytes() - before

let openMs = 0
const { promise: followed, resolve: onFollowed } = Promise.withResolvers<number>()
let changedAtMs = 0
const holder: { other?: ReturnType<typeof openRegistry> } = {}
openMs = millisecondsOf(() => {
  holder.other = open(() => onFollowed(performance.now() - changedAtMs))
})
const putMs = millisecondsOf(() => registry.put(served(count)))
changedAtMs = performance.now()
const keepAlive = setTimeout(() => undefined, 10_000)
const followMs = await followed
clearTimeout(keepAlive)
holder.other?.close()
registry.close()

const numbers: RegistryNumbers = {
  heapBytes: heap,
  findNanoseconds,
  applyMs,
  putMs,
  openMs,
  followMs,
}
process.stdout.write(JSON.stringify(numbers))

function nameOf(index: number): string {
  return `institute-${index}.example`
}

function served(index: number): ServedDomain {
  const document = {
    domain: nameOf(index),
    to: [`mail.institute-${index}.example:25`],
    contact: `postmaster@institute-${index}.example, +49 89 1234567`,
  }
  const result = createServedDomain(document, systemClock.now())
  if (!result.ok) throw new Error(result.problem.text)
  return result.value
}
