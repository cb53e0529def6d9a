// The file system of the spool runs full: below the reserve a new mail is deferred before its content is
// taken, in the middle of a mail it is 4yz, nothing that got 250 is lost, and mail is taken again as soon
// as there is room.

import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { readSpool, type SpooledRecipient } from '../support/read-spool.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import {
  endpointOf,
  openSession,
  sendMail,
  sendOneMail,
  until,
  type SentMail,
} from '../e2e/support/mail.ts'
import { arrivals, contentNamed, makeKnown, quick } from '../e2e/support/outage.ts'
import { mountSmallDisk, whyNoSmallDisk, type SmallDisk } from './support/small-disk.ts'

const mebibyte = 1024 * 1024
const skip = await whyNoSmallDisk()
const to = 'a@inst.example'

interface Place {
  readonly disk: SmallDisk
  readonly institute: InstituteServer
  readonly relay: TestRelay
  readonly spool: () => readonly SpooledRecipient[]
}

async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder()
  await using disk = await mountSmallDisk(path.join(folder.path, 'disk'), 24 * mebibyte)
  await using institute = await startInstituteServer({ mailboxes: [to] })
  await using relay = await startRelay({
    domains: [],
    config: { ...quick, state: disk.path, spool: { reserve: '4MiB' } },
  })
  const added = await relay.pforte('domain', 'add', 'inst.example', '--to', endpointOf(institute))
  assert.equal(added.exitCode, 0, added.stderr)
  await until(async () => (await sendOneMail(relay, { to })).final?.startsWith('250') === true)
  await makeKnown(relay, [to])
  await work({ disk, institute, relay, spool: () => readSpool(disk.path) })
}

function contentOf(subject: string, sizeBytes: number): string {
  return `${contentNamed(subject)}${`${'x'.repeat(70)}\r\n`.repeat(sizeBytes / 72)}`
}

/** The first refusal: with the full disk it may come at MAIL, RCPT, DATA or the end. */
function refusalOf(sent: SentMail): string {
  return (
    [sent.mail, ...sent.recipients, sent.data, sent.final].find((reply) =>
      /^[45]/.test(reply ?? ''),
    ) ?? ''
  )
}

for (const [name, sizeBytes] of [
  ['small mails', 40_000],
  ['large mails', 700_000],
] as const) {
  test(`${name} until the reserve is reached, then room again`, { skip }, async () => {
    await inPlace(async ({ disk, institute, relay, spool }) => {
      await institute.pause()
      const taken: string[] = []
      let refused: SentMail | null = null
      while (refused === null) {
        const subject = `${name} ${taken.length + 1}`
        const sent = await sendOneMail(relay, { to, content: contentOf(subject, sizeBytes) })
        if (sent.final?.startsWith('250') === true) taken.push(subject)
        else refused = sent
        assert.ok(taken.length < 1000, 'the disk never ran full')
        if (taken.length === 5) await disk.fillUpTo(8 * mebibyte)
      }
      assert.match(refusalOf(refused), /^452 4\.3\.1 /)
      assert.ok(taken.length > 5, `only ${taken.length} mails were taken`)
      await until(() => relay.events('spool-short').length > 0)
      const again = await sendOneMail(relay, { to })
      assert.match(refusalOf(again), /^452 4\.3\.1 /)
      assert.equal(again.final, null, 'the content was taken below the reserve')
      assert.equal(spool().length, taken.length)

      await disk.empty()
      await until(
        async () =>
          (await sendOneMail(relay, { to, content: contentNamed('roomy') })).final?.startsWith(
            '250',
          ) === true,
      )
      await institute.resume()
      await until(() => spool().length === 0, 20_000)
      for (const subject of taken) assert.deepEqual(arrivals(institute, subject), [[to]], subject)
      assert.deepEqual(arrivals(institute, 'roomy'), [[to]])
      assert.deepEqual(relay.events('internal-error'), [])
    })
  })
}

test('full in the middle of a mail: 4yz, and nothing of it is kept', { skip }, async () => {
  await inPlace(async ({ disk, institute, relay, spool }) => {
    await institute.pause()
    const before = await sendOneMail(relay, { to, content: contentNamed('before') })
    assert.match(before.final ?? '', /^250 /)
    for (const [subject, sizeBytes] of [
      ['small', 40_000],
      ['large', 3_000_000],
    ] as const) {
      await using client = await openSession(relay)
      await client.command('MAIL FROM:<s@sender.example>', 250)
      await client.command(`RCPT TO:<${to}>`, 250)
      await client.command('DATA', 354)
      const content = Buffer.from(`${contentOf(subject, sizeBytes)}.\r\n`)
      await client.sendBytes(content.subarray(0, 20_000))
      await disk.fillUpTo(0)
      await client.sendBytes(content.subarray(20_000))
      await client.expect(/^45[12] 4\.3\.[01] /, 10_000)
      await disk.empty()
      await until(async () => (await sendProbe(relay)) === 'taken', 15_000)
    }
    await institute.resume()
    await until(() => spool().length === 0, 20_000)
    assert.deepEqual(arrivals(institute, 'before'), [[to]])
    assert.deepEqual(arrivals(institute, 'small'), [])
    assert.deepEqual(arrivals(institute, 'large'), [])
    assert.deepEqual(relay.events('internal-error'), [])
  })
})

test('a mail whose institute is well passes while the spool takes nothing', { skip }, async () => {
  await inPlace(async ({ disk, institute, relay, spool }) => {
    await using client = await openSession(relay)
    await client.command('MAIL FROM:<s@sender.example>', 250)
    await client.command(`RCPT TO:<${to}>`, 250)
    await client.command('DATA', 354)
    await disk.fillUpTo(0)
    await client.send(`${contentNamed('passes')}.\r\n`)
    await client.expect(250)
    assert.deepEqual(arrivals(institute, 'passes'), [[to]])
    assert.deepEqual(spool(), [])
    await disk.empty()
  })
})

async function sendProbe(relay: TestRelay): Promise<'taken' | 'refused'> {
  await using client = await openSession(relay)
  const sent = await sendMail(client, { to, content: contentNamed('probe') })
  return sent.final?.startsWith('250') === true ? 'taken' : 'refused'
}
