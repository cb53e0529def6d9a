import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { memoryPercent, type MemoryFiles } from './memory.ts'

interface Group {
  readonly max: string
  readonly current?: number
  readonly inactiveFile?: number
}

/** A system with 1 GiB available, and this process in `/system/relay`. */
async function system(
  folder: string,
  groups: Readonly<Record<string, Group>>,
  availableKib = 1024 * 1024,
): Promise<MemoryFiles> {
  const files = {
    meminfo: path.join(folder, 'meminfo'),
    ownGroup: path.join(folder, 'cgroup'),
    groups: path.join(folder, 'groups'),
  }
  await mkdir(path.join(files.groups, 'system', 'relay'), { recursive: true })
  await writeFile(files.meminfo, `MemTotal: 9 kB\nMemAvailable:   ${availableKib} kB\n`)
  await writeFile(files.ownGroup, '0::/system/relay\n')
  for (const [name, { max, current = 0, inactiveFile = 0 }] of Object.entries(groups)) {
    const at = path.join(files.groups, name)
    await writeFile(path.join(at, 'memory.max'), `${max}\n`)
    await writeFile(path.join(at, 'memory.current'), `${current}\n`)
    await writeFile(path.join(at, 'memory.stat'), `anon 1\ninactive_file ${inactiveFile}\n`)
  }
  return files
}

test('the nearest limit counts, and what the kernel can drop does not', async () => {
  await using folder = await temporaryFolder()
  const files = await system(folder.path, {
    system: { max: '1000', current: 970, inactiveFile: 50 },
    'system/relay': { max: 'max', current: 900 },
  })
  assert.equal(memoryPercent(files), 92)
})

test('a machine without memory counts, whatever the groups say', async () => {
  await using folder = await temporaryFolder()
  assert.equal(memoryPercent(await system(folder.path, {}, 1000)), 100)
})

test('where nothing can be read the heap alone counts', () => {
  const percent = memoryPercent({ meminfo: '/none', ownGroup: '/none', groups: '/none' })
  assert.ok(percent > 0 && percent < 90, `${percent}`)
})
