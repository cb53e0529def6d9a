// A file system of a few MiB that can be filled, mounted where a test wants it.

import { execFile } from 'node:child_process'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const run = promisify(execFile)

export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  readonly freeBytes: () => Promise<number>
  /** Takes space away until only so much is left. */
  readonly fillUpTo: (freeBytes: number) => Promise<void>
  /** Gives back what `fillUpTo` took. */
  readonly empty: () => Promise<void>
}

/** Why it cannot be done here, or false: for the `skip` of a test. */
export async function whyNoSmallDisk(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'only root can mount a small file system'
  await using folder = await temporaryFolder()
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder.path])
    await run('umount', [folder.path])
    return false
  } catch (error) {
    return `no file system can be mounted here: ${String(error).split('\n')[0] ?? ''}`
  }
}

/** Mounts at `mountPoint`, which is created. The end of the block unmounts it, whoever still uses it. */
export async function mountSmallDisk(mountPoint: string, sizeBytes: number): Promise<SmallDisk> {
  await mkdir(mountPoint, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', mountPoint])
  const filler = path.join(mountPoint, 'filler')
  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(mountPoint)
    return bavail * bsize
  }
  return {
    path: mountPoint,
    freeBytes,
    fillUpTo: async (left) => {
      const takenBytes = (await freeBytes()) - left
      if (takenBytes <= 0) return
      await writeFile(filler, Buffer.alloc(takenBytes), { flag: 'a' }).catch((error: unknown) => {
        // Others write as well: full is full.
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      })
    },
    empty: () => rm(filler, { force: true }),
    [Symbol.asyncDispose]: async () => void (await run('umount', ['-l', mountPoint])),
  }
}
