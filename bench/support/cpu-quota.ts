// Gives a process a part of a core and no more (cgroup version 1 or 2, as root), so that on a machine with few
// cores it is the relay that is the limit, and not the load generator beside it.

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const root = '/sys/fs/cgroup'
/** Short, so that a process that has used its part does not make others wait long. */
const periodMicroseconds = 10_000

/** `share` of a core, such as 0.2. Throws where cgroups cannot be made. */
export function limitCpu(pid: number, share: number): Disposable {
  const quota = Math.round(periodMicroseconds * share)
  const isVersion1 = existsSync(path.join(root, 'cpu', 'cgroup.procs'))
  const folder = path.join(root, isVersion1 ? 'cpu' : '', `pforte-bench-${pid}`)
  if (!isVersion1) writeFileSync(path.join(root, 'cgroup.subtree_control'), '+cpu')
  mkdirSync(folder)
  if (isVersion1) {
    writeFileSync(path.join(folder, 'cpu.cfs_period_us'), String(periodMicroseconds))
    writeFileSync(path.join(folder, 'cpu.cfs_quota_us'), String(quota))
  } else {
    writeFileSync(path.join(folder, 'cpu.max'), `${quota} ${periodMicroseconds}`)
  }
  writeFileSync(path.join(folder, 'cgroup.procs'), String(pid))
  // A group is removed when its last process has ended.
  return {
    [Symbol.dispose]: () => {
      try {
        rmdirSync(folder)
      } catch {
        writeFileSync(path.join(path.dirname(folder), 'cgroup.procs'), String(pid))
        rmdirSync(folder)
      }
    },
  }
}
