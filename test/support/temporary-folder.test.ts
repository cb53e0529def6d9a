import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from './temporary-folder.ts'

test('the folder is there within the block and gone with all its content after it', async () => {
  let path: string
  {
    await using folder = await temporaryFolder()
    path = folder.path
    await mkdir(join(path, 'sub'))
    await writeFile(join(path, 'sub', 'file'), 'x')
  }
  assert.equal(existsSync(path), false)
})
