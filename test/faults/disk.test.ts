// The disk that forgets: what it keeps and what it loses, before it is believed about the spool.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Disk,
  everythingSurvives,
  imageKey,
  nothingSurvives,
  type DiskOptions,
  type Survival,
} from './support/disk.ts'
import type { FileOperation } from './support/file-operations.ts'

type Step = FileOperation | readonly ['sync' | 'failed-sync', string]

/** A sync covers what stands before it. */
function diskAfter(steps: readonly Step[], options: DiskOptions = { names: 'folder' }): Disk {
  const disk = new Disk(options)
  for (const [begunAt, step] of steps.entries()) {
    disk.apply('kind' in step ? step : { kind: step[0], path: step[1], begunAt })
  }
  return disk
}

/** Name → text, of files. */
function texts(disk: Disk, survival: Survival = nothingSurvives): Readonly<Record<string, string>> {
  const image = [...disk.image(survival)]
  return Object.fromEntries(
    image.map(([name, data]) => [name, data === null ? 'folder' : data.toString()]),
  )
}

const write = (path: string, text: string, offset = 0): FileOperation => ({
  kind: 'write',
  path,
  offset,
  data: Buffer.from(text),
})
const create = (path: string): FileOperation => ({ kind: 'create', path })
const remove = (path: string): FileOperation => ({ kind: 'remove', path })

const cases: readonly {
  readonly name: string
  readonly steps: readonly Step[]
  /** POSIX; and where a file's sync keeps its name, if that differs. */
  readonly kept: Readonly<Record<string, string>>
  readonly keptByFile?: Readonly<Record<string, string>>
}[] = [
  { name: 'nothing synced', steps: [create('a'), write('a', 'x')], kept: {} },
  {
    name: 'the file synced, its folder not',
    steps: [create('a'), write('a', 'x'), ['sync', 'a']],
    kept: {},
    keptByFile: { a: 'x' },
  },
  {
    name: 'the folder synced, the file not: an empty file',
    steps: [create('a'), write('a', 'x'), ['sync', '']],
    kept: { a: '' },
  },
  {
    name: 'both',
    steps: [create('a'), write('a', 'x'), ['sync', 'a'], ['sync', '']],
    kept: { a: 'x' },
  },
  {
    name: 'a write behind the sync',
    steps: [create('a'), write('a', 'xy'), ['sync', 'a'], ['sync', ''], write('a', 'zz')],
    kept: { a: 'xy' },
  },
  {
    name: 'a sync that began before the write ended',
    steps: [create('a'), ['sync', ''], write('a', 'x'), { kind: 'sync', path: 'a', begunAt: 2 }],
    kept: { a: '' },
  },
  {
    name: 'renamed, only the old folder synced: nowhere to be found',
    steps: [
      { kind: 'make-folder', path: 'new' },
      { kind: 'make-folder', path: 'old' },
      ['sync', ''],
      create('old/a'),
      ['sync', 'old/a'],
      { kind: 'rename', from: 'old/a', to: 'new/b' },
      ['sync', 'old'],
    ],
    kept: { new: 'folder', old: 'folder' },
    keptByFile: { new: 'folder', old: 'folder' },
  },
  {
    name: 'renamed, only the new folder synced: under both names',
    steps: [
      { kind: 'make-folder', path: 'new' },
      create('a'),
      write('a', 'x'),
      ['sync', 'a'],
      ['sync', ''],
      { kind: 'rename', from: 'a', to: 'new/b' },
      ['sync', 'new'],
    ],
    kept: { a: 'x', new: 'folder', 'new/b': 'x' },
  },
  {
    name: 'a second name is durable with its folder, and stays when the first one goes',
    steps: [
      create('a'),
      write('a', 'x'),
      ['sync', 'a'],
      ['sync', ''],
      { kind: 'link', from: 'a', to: 'b' },
      ['sync', ''],
      remove('a'),
      ['sync', ''],
      write('b', 'y'),
    ],
    kept: { b: 'x' },
  },
  {
    name: 'a folder that is not durable takes all in it along',
    steps: [{ kind: 'make-folder', path: 'f' }, create('f/a'), ['sync', 'f/a'], ['sync', 'f']],
    kept: {},
  },
  {
    name: 'removed without a sync: back again',
    steps: [create('a'), write('a', 'x'), ['sync', 'a'], ['sync', ''], remove('a')],
    kept: { a: 'x' },
  },
  {
    name: 'removed and made anew: the old one until the folder is synced',
    steps: [
      create('a'),
      write('a', 'old'),
      ['sync', 'a'],
      ['sync', ''],
      remove('a'),
      create('a'),
      write('a', 'new'),
      ['sync', 'a'],
    ],
    kept: { a: 'old' },
    keptByFile: { a: 'new' },
  },
  {
    name: 'cut off and written again',
    steps: [
      create('a'),
      write('a', 'abcdef'),
      { kind: 'truncate', path: 'a', sizeBytes: 2 },
      write('a', 'z', 3),
      ['sync', 'a'],
      ['sync', ''],
    ],
    kept: { a: 'ab\0z' },
  },
  {
    name: 'a failed sync: what it should have written is never written, what comes later is',
    steps: [
      create('a'),
      ['sync', ''],
      write('a', 'x'),
      ['failed-sync', 'a'],
      write('a', 'y', 1),
      ['sync', 'a'],
    ],
    kept: { a: '\0y' },
  },
]

for (const { name, steps, kept, keptByFile } of cases) {
  test(`the power fails: ${name}`, () => {
    assert.deepEqual(texts(diskAfter(steps)), kept)
    assert.deepEqual(texts(diskAfter(steps, { names: 'folder-or-file' })), keptByFile ?? kept)
  })
}

test('a sync that is not believed keeps nothing', () => {
  const steps: readonly Step[] = [create('a'), write('a', 'x'), ['sync', 'a'], ['sync', '']]
  const ignoring = diskAfter(steps, { names: 'folder', isIgnored: ({ path }) => path === 'a' })
  assert.deepEqual(texts(ignoring), { a: '' })
})

test('everything may survive, and then the disk holds what programs see', () => {
  const disk = diskAfter([create('a'), write('a', 'xyz'), create('b'), remove('b')])
  assert.deepEqual(texts(disk, everythingSurvives), { a: 'xyz' })
})

test('a write may be torn where a sector ends', () => {
  const data = Buffer.concat([Buffer.alloc(12, 'a'), Buffer.alloc(512, 'b'), Buffer.alloc(9, 'c')])
  const disk = diskAfter([
    create('a'),
    ['sync', ''],
    { kind: 'write', path: 'a', offset: 500, data },
  ])
  let piece = 0
  const image = disk.image({
    survives: () => true,
    sectorBytes: 512,
    pieceSurvives: () => (piece += 1) !== 2,
  })
  const expected = Buffer.concat([
    Buffer.alloc(500),
    Buffer.alloc(12, 'a'),
    Buffer.alloc(512),
    Buffer.alloc(9, 'c'),
  ])
  assert.deepEqual(image.get('a'), expected)
})

test('images are the same when they hold the same', () => {
  const one = diskAfter([create('a'), create('b'), write('a', 'x'), write('b', 'y')])
  const same = diskAfter([create('b'), create('a'), write('b', 'y'), write('a', 'x')])
  const other = diskAfter([create('a'), create('b'), write('a', 'y'), write('b', 'x')])
  const keys = [one, same, other].map((disk) => imageKey(disk.image(everythingSurvives)))
  assert.equal(keys[0], keys[1])
  assert.notEqual(keys[0], keys[2])
})
