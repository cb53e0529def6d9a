// Temporary files of processes that are no more. Each worker has a folder of its own, `worker-1.4711`; the
// only process of a small site has none.

import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'

/** Leaves those of processes that still run: they finish their mails. */
export async function removeLeftOver(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number(/^worker-\d+\.(\d+)$/.exec(name)?.[1] ?? 0)
    if (pid > 0 && isRunning(pid)) continue
    await rm(path.join(folder, name), { recursive: true, force: true })
  }
}

/** `name`: of a worker on the link. What cannot be removed now goes at the next start. */
export async function removeContentOf(folder: string, name: string): Promise<void> {
  const own = path.join(folder, path.basename(name))
  await rm(own, { recursive: true, force: true }).catch(() => undefined)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
