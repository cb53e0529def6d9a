// The steps by which large content becomes durable fail one by one and two by two, in process, by the seam
// the spool has for it: the way back may fail as well, which strace cannot aim at.

import assert from 'node:assert/strict'
import { open, readdir, rename, rm, writeFile, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import type { FileOperations } from '#spool/content-files.ts'
import { SpoolError, type Lease, type NewEntry, type Spool } from '#spool/spool.ts'
import { openTemporarySpool } from '../support/temporary-spool.ts'
import { workFolder } from './support/work-folder.ts'

const steps = ['open', 'datasync', 'read', 'close', 'rename', 'open-folder', 'sync', 'rm'] as const
type Step = (typeof steps)[number]
const codes = ['EIO', 'ENOSPC', 'EMFILE'] as const

const systemError = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code })

/** Those in `failing` fail while they are in it. */
function operationsFailing(failing: ReadonlySet<Step>, code: string): FileOperations {
  const fail = (step: Step): void => {
    if (failing.has(step)) throw systemError(code)
  }
  const watched = (handle: FileHandle): FileHandle =>
    new Proxy(handle, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return async (...parameters: readonly unknown[]): Promise<unknown> => {
          const step = steps.find((each) => each === name)
          // What cannot be closed properly is closed nevertheless (close(2)).
          if (step === 'close') await target.close()
          if (step !== undefined) fail(step)
          return step === 'close' ? undefined : await Reflect.apply(value, target, parameters)
        }
      },
    })
  return {
    open: async (...parameters) => {
      const isFolder = path.basename(String(parameters[0])) === 'content'
      fail(isFolder ? 'open-folder' : 'open')
      return watched(await open(...parameters))
    },
    rename: async (...parameters) => {
      fail('rename')
      await rename(...parameters)
    },
    rm: async (...parameters) => {
      fail('rm')
      await rm(...parameters)
    },
  }
}

async function entryWithFile(folder: string, id: string): Promise<NewEntry> {
  const file = path.join(folder, 'spool/incoming', `${id}.content`)
  await writeFile(file, `old header\r\n\r\nbody of ${id}\r\n.\r\n`)
  const prefix = Buffer.from('Subject: x\r\n')
  return {
    id,
    reversePath: '',
    isSmtpUtf8: false,
    is8BitMime: false,
    clientAddress: '192.0.2.1',
    greetingName: 'client.example',
    receivedAtMs: 0,
    recipients: [
      {
        address: 'a@inst.example',
        domain: 'inst.example',
        fate: { kind: 'waiting', nextAttemptMs: 0 },
        reply: '',
      },
    ],
    attempts: [],
    content: {
      prefix: [prefix],
      file: { path: file, offset: 12 },
      sizeBytes: prefix.length + `\r\nbody of ${id}\r\n.\r\n`.length,
    },
  }
}

async function attemptCommit(spool: Spool, entry: NewEntry): Promise<'taken' | 'refused'> {
  try {
    await spool.commit(entry)
    return 'taken'
  } catch (error) {
    assert.ok(error instanceof SpoolError, String(error))
    assert.equal(error.isUnclear, false)
    return 'refused'
  }
}

async function textOf({ content }: Lease): Promise<string> {
  const reader = content?.open()
  assert.ok(reader)
  const pieces: Buffer[] = []
  for (;;) {
    const next = await reader.next()
    if (next === null) break
    pieces.push(...next)
  }
  reader.close()
  return Buffer.concat(pieces).toString()
}

for (const code of codes) {
  test(`each step, and each two steps, with ${code}`, async () => {
    await using work = await workFolder()
    const failing = new Set<Step>()
    const operations = operationsFailing(failing, code)
    const spool = await openTemporarySpool(work.path, { operations })
    const taken: string[] = []
    for (const first of steps) {
      for (const second of steps) {
        const id = `${first}.${second}`
        failing.add(first).add(second)
        const outcome = await attemptCommit(spool, await entryWithFile(work.path, id))
        failing.clear()
        if (outcome === 'taken') taken.push(id)
        if (id !== 'rm.rm') assert.equal(outcome, 'refused', id)
        if (spool.state().kind === 'stopped') await spool.recover()
        assert.equal(spool.state().kind, 'open')
      }
    }
    assert.equal(await attemptCommit(spool, await entryWithFile(work.path, 'last')), 'taken')
    taken.push('last')
    await spool.close()

    const again = await openTemporarySpool(work.path)
    const leases = await again.lease({ domain: 'inst.example', nowMs: 1, maxCount: 1000 })
    assert.deepEqual(leases.map(({ id }) => id).toSorted(), taken.toSorted())
    for (const lease of leases) {
      assert.equal(await textOf(lease), `Subject: x\r\n\r\nbody of ${lease.id}\r\n.\r\n`)
    }
    // What was refused is not left lying about.
    assert.deepEqual(
      (await readdir(path.join(work.path, 'spool/content'))).toSorted(),
      taken.toSorted(),
    )
    await again.close()
  })
}
