// Folders of tests that sync much: in memory where the system has such a place, since what is tested is
// what is asked of a disk, not the disk.

import { accessSync, constants, realpathSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TemporaryFolder } from '../../support/temporary-folder.ts'

export async function workFolder(): Promise<TemporaryFolder> {
  // Without symbolic links: strace tells where files really are.
  const folder = await mkdtemp(path.join(realpathSync(place()), 'pforte-faults-'))
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  }
}

function place(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}
