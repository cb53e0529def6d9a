// Content on the disk is not what was stored: the entry is set aside in the hold and reported, the others
// are delivered, the institute gets no half mail, and nothing goes round in circles.

import assert from 'node:assert/strict'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../e2e/support/mail.ts'
import { arrivals } from '../e2e/support/outage.ts'
import {
  contentOf,
  recipient,
  spooledOutage,
  type SpooledOutage,
} from './support/spooled-outage.ts'

const damages: readonly {
  readonly name: string
  readonly damage: (outage: SpooledOutage) => Promise<void>
  /** The subject of the mail that was hit. */
  readonly hit: string
}[] = [
  {
    name: 'a content file is cut short',
    hit: 'large one',
    damage: async (outage) => {
      const file = await contentFileOf(outage, 'large one')
      await truncate(file, 100_000)
    },
  },
  {
    name: 'a content file is longer than it was',
    hit: 'large one',
    damage: async (outage) => {
      const file = await contentFileOf(outage, 'large one')
      await writeFile(file, 'more\r\n.\r\n', { flag: 'a' })
    },
  },
  {
    name: 'a byte in a content file is another one',
    hit: 'large two',
    damage: async (outage) => {
      const file = await contentFileOf(outage, 'large two')
      const bytes = await readFile(file)
      const index = bytes.length - 5000
      bytes[index] = (bytes[index] ?? 0) ^ 1
      await writeFile(file, bytes)
    },
  },
  {
    name: 'a content file is gone',
    hit: 'large one',
    damage: async (outage) => {
      const { unlink } = await import('node:fs/promises')
      await unlink(await contentFileOf(outage, 'large one'))
    },
  },
  {
    name: 'a byte of a content in the database is another one',
    hit: 'second',
    damage: async ({ spoolFolder }) => {
      using database = new DatabaseSync(path.join(spoolFolder, 'spool.db'))
      const rows = database.prepare('SELECT number, prefix FROM entry').all()
      const row = rows.find(({ prefix }) =>
        Buffer.from(prefix as Uint8Array).includes('Subject: second\r\n'),
      )
      assert.ok(row !== undefined)
      const prefix = Buffer.from(row['prefix'] as Uint8Array)
      prefix[prefix.length - 20] = (prefix[prefix.length - 20] ?? 0) ^ 1
      database
        .prepare('UPDATE entry SET prefix = ? WHERE number = ?')
        .run(prefix, row['number'] ?? 0)
    },
  },
]

const subjects = ['first', 'second', 'large one', 'large two', 'last']

for (const { name, damage, hit } of damages) {
  test(name, async () => {
    await using outage = await spooledOutage(subjects)
    await damage(outage)
    await using relay = await outage.start()
    await outage.institute.resume()
    await until(() => outage.spool().every(({ holdReason }) => holdReason !== null), 20_000)
    assert.deepEqual(
      outage.spool().map(({ address, holdReason }) => [address, holdReason]),
      [[recipient, 'damaged']],
    )
    await sleep(1200)
    for (const subject of subjects) {
      assert.deepEqual(
        arrivals(outage.institute, subject),
        subject === hit ? [] : [[recipient]],
        subject,
      )
    }
    for (const mail of outage.institute.mails) {
      const subject = /^Subject: (.*)\r$/m.exec(mail.headerText)?.[1] ?? ''
      if (!subjects.includes(subject)) continue
      assert.equal(mail.wire?.toString().endsWith(`${contentOf(subject)}.\r\n`), true, subject)
    }
    const reports = relay.events('alert-raised').filter((event) => event['reason'] === 'damaged')
    assert.equal(reports.length, 1, 'it was not reported, or tried again')
    assert.deepEqual(relay.events('internal-error'), [])
    assert.equal(relay.events('started').length, 1)
    const probe = await relay.pforte('queue', 'list', '--json')
    assert.equal(probe.exitCode, 0, probe.stderr)
  })
}

/** Content files carry the name of their entry. */
async function contentFileOf({ spoolFolder }: SpooledOutage, subject: string): Promise<string> {
  const folder = path.join(spoolFolder, 'content')
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name)
    if ((await readFile(file)).includes(`of ${subject} `)) return file
  }
  throw new Error(`no content file of ${subject}`)
}
