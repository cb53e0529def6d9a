// The last page of the database or of its log is torn. What a power cut tears was never synced, so nobody
// got a 250 for it: everything that got one is delivered. When more is bad than a power cut does, what can be
// read is delivered, the rest is kept for a human, and the relay takes mail.

import assert from 'node:assert/strict'
import { open, readdir, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { sendOneMail, until } from '../e2e/support/mail.ts'
import { arrivals, contentNamed } from '../e2e/support/outage.ts'
import { recipient, spooledOutage, type SpooledOutage } from './support/spooled-outage.ts'

const subjects = Array.from({ length: 12 }, (_, index) => `mail ${index + 1}`)
const pageBytes = 4096

/** Behind the last frame that counts: what a cut leaves of a group that was being written. */
const tornTails: readonly (readonly [string, (wal: string) => Promise<void>])[] = [
  ['half a frame of zeros', (wal) => writeFile(wal, Buffer.alloc(pageBytes / 2), { flag: 'a' })],
  ['a frame of noise', (wal) => writeFile(wal, Buffer.alloc(pageBytes + 24, 0xa5), { flag: 'a' })],
  [
    'the last frame once more, half of it',
    async (wal) => {
      await using file = await open(wal, 'r+')
      const { size } = await file.stat()
      const frame = Buffer.alloc((pageBytes + 24) / 2)
      await file.read(frame, 0, frame.length, size - pageBytes - 24)
      await file.write(frame, 0, frame.length, size)
    },
  ],
]

for (const [name, tear] of tornTails) {
  test(`behind the end of the log lies ${name}: nothing is lost`, async () => {
    await using outage = await spooledOutage(subjects)
    const wal = path.join(outage.spoolFolder, 'spool.db-wal')
    assert.ok((await stat(wal)).size > 0, 'there is no log to tear')
    await tear(wal)
    assert.equal(await delivered(outage), subjects.length)
  })
}

test('the last frame of the log is cut: the mails before it are delivered', async () => {
  await using outage = await spooledOutage(subjects)
  const wal = path.join(outage.spoolFolder, 'spool.db-wal')
  await truncate(wal, (await stat(wal)).size - pageBytes / 2)
  assert.ok((await delivered(outage)) >= subjects.length - 1)
})

test('the last frame of the log is scribbled over: the mails before it are delivered', async () => {
  await using outage = await spooledOutage(subjects)
  const wal = path.join(outage.spoolFolder, 'spool.db-wal')
  await scribble(wal, (await stat(wal)).size - pageBytes / 2)
  assert.ok((await delivered(outage)) >= subjects.length - 1)
})

for (const [name, tear] of [
  ['cut', async (file: string) => truncate(file, (await stat(file)).size - pageBytes / 2)],
  ['scribbled over', async (file: string) => scribble(file, (await stat(file)).size - pageBytes)],
] as const) {
  test(`the last page of the database is ${name}: the rest is delivered`, async () => {
    await using outage = await spooledOutage(subjects)
    const file = path.join(outage.spoolFolder, 'spool.db')
    bringLogIn(file)
    await tear(file)
    const count = await delivered(outage)
    assert.ok(count >= subjects.length / 2, `${count} of ${subjects.length} were delivered`)
    const kept = await readdir(outage.spoolFolder)
    assert.ok(
      count === subjects.length || kept.some((each) => each.includes('damaged')),
      `nothing was kept for a human: ${kept.join()}`,
    )
  })
}

/** Starts the relay again; how many of the mails arrive, each at most once, and that it takes new ones. */
async function delivered(outage: SpooledOutage): Promise<number> {
  await using relay = await outage.start()
  await outage.institute.resume()
  await until(() => isNothingWaiting(outage), 20_000)
  const sent = await sendOneMail(relay, { to: recipient, content: contentNamed('new') })
  assert.match(sent.final ?? '', /^250 /)
  await outage.institute.pause()
  const spooled = await sendOneMail(relay, { to: recipient, content: contentNamed('newer') })
  assert.match(spooled.final ?? '', /^250 /)
  assert.deepEqual(relay.events('internal-error'), [])
  const counts = subjects.map((subject) => arrivals(outage.institute, subject).length)
  assert.ok(Math.max(...counts) <= 1, `duplicates: ${counts.join()}`)
  return counts.filter((count) => count === 1).length
}

/** Until the relay has found the bad page, and made a new database, nothing can be told. */
function isNothingWaiting(outage: SpooledOutage): boolean {
  try {
    return outage.spool().every(({ holdReason }) => holdReason !== null)
  } catch (error) {
    if (error instanceof Error && /malformed|no such table/.test(error.message)) return false
    throw error
  }
}

async function scribble(name: string, offset: number): Promise<void> {
  await using file = await open(name, 'r+')
  const noise = Buffer.from(
    Array.from({ length: pageBytes / 2 }, (_, index) => (index * 73 + 41) % 256),
  )
  await file.write(noise, 0, noise.length, offset)
}

function bringLogIn(file: string): void {
  using database = new DatabaseSync(file)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
}
