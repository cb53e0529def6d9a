// How much of the memory it may have this process has used: of its heap, or all of its cgroup of theirs,
// whichever is nearer to the end. Control groups of version 2.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { getHeapStatistics } from 'node:v8'

/** Where the system tells. */
export interface MemoryFiles {
  readonly meminfo: string
  readonly ownGroup: string
  readonly groups: string
}

const systemFiles: MemoryFiles = {
  meminfo: '/proc/meminfo',
  ownGroup: '/proc/self/cgroup',
  groups: '/sys/fs/cgroup',
}

/** A machine that has no more than this is about to have somebody killed. */
const minAvailableBytes = 64 * 1024 * 1024

/** 0 to about 100. What cannot be read does not count. */
export function memoryPercent(files: MemoryFiles = systemFiles): number {
  return Math.max(heapPercent(), groupPercent(files), machinePercent(files))
}

function heapPercent(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
  return (used * 100) / limit
}

function machinePercent({ meminfo }: MemoryFiles): number {
  const available = /^MemAvailable: +(\d+) kB/m.exec(read(meminfo))?.[1]
  return available !== undefined && Number(available) * 1024 < minAvailableBytes ? 100 : 0
}

/** Of the group of the process and those it lies in: any of them may be the one with a limit. */
function groupPercent({ ownGroup, groups }: MemoryFiles): number {
  const own = /^0::(\/.*)$/m.exec(read(ownGroup))?.[1]
  if (own === undefined) return 0
  let most = 0
  for (let group = own; ; group = path.dirname(group)) {
    most = Math.max(most, percentOf(path.join(groups, group)))
    if (group === '/') return most
  }
}

/** What the kernel can drop at once is no use of memory: a relay with a spool has much of it. */
function percentOf(folder: string): number {
  const limit = Number(read(path.join(folder, 'memory.max')).trim() || 'max')
  if (!Number.isFinite(limit) || limit === 0) return 0
  const current = Number(read(path.join(folder, 'memory.current')).trim())
  const cached = /^inactive_file (\d+)$/m.exec(read(path.join(folder, 'memory.stat')))?.[1]
  return ((current - Number(cached ?? 0)) * 100) / limit
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
